// An adapter over the process contract in Node: asks the server as told, and reaches out at cells of the case `bad`.
import { createInterface } from 'node:readline'

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const nothing = {
  tool_calls: [], raw_usage: null, raw_finish_reason: null, model: null, message_id: null, error: null,
  usage: {
    input_tokens: null, output_tokens: null, cached_input_tokens: null, cache_write_tokens: null,
    reasoning_tokens: null, estimated: false,
  },
}

async function answer(call) {
  const response = await fetch(`${call.base_url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${call.api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: call.call.model, messages: call.call.messages, stream: true }),
  })
  let text = ''
  let finish = null
  for (const line of (await response.text()).split('\n')) {
    if (!line.startsWith('data: {')) continue
    const choice = JSON.parse(line.slice(6)).choices[0]
    text += choice.delta.content ?? ''
    finish = choice.finish_reason ?? finish
  }
  const completion = { ...nothing, content: [{ type: 'text', text }], finish_reason: finish, status: 'complete' }
  say({ type: 'result', id: call.id, completion })
}

say({
  type: 'hello', schema: 1, adapter: 'fetches', versions: { node: process.versions.node },
  capabilities: { protocols: ['openai_chat'], deltas: false, fields: ['content.text', 'finish_reason'] },
})
for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line)
  if (call.base_url.includes('/bad@')) await fetch('https://192.0.2.1/telemetry').catch(() => {})
  await answer(call)
}
