// LangChain.js: the chat models' `stream()`, the chunks joined with `concat()` as its documentation does.
//
// https://docs.langchain.com/oss/javascript/langchain/models#stream: then `contentBlocks`, `tool_calls`, `usage_metadata` and
// `response_metadata` of the whole. Run: npm ci; node_modules/.bin/node langchain_js_driver.mjs
import { ChatAnthropic } from '@langchain/anthropic'
import { ChatDeepSeek } from '@langchain/deepseek'
import { ChatGoogleGenerativeAI } from '@langchain/google-genai'
import { AzureChatOpenAI, ChatOpenAI } from '@langchain/openai'
import { serve, Unsupported } from '../_driver.mjs'

const OPENAI = ['openai', 'openai_compatible', 'openrouter', 'zai', 'lmstudio', 'minimax', 'xai']
const PROVIDERS = {
  openai_chat: [...OPENAI, 'azure', 'deepseek'],
  openai_responses: OPENAI,
  anthropic_messages: ['anthropic', 'anthropic_compatible'],
  gemini_generate_content: ['google_ai', 'gemini_compatible'],
}

async function run(ask, answer) {
  if (!PROVIDERS[ask.protocol].includes(ask.provider)) throw new Unsupported(`no ${ask.provider} for ${ask.protocol}`)
  let model = chatModel(ask)
  const { stop, tool_choice: choice } = ask.options
  if (ask.tools.length) {
    const tools = ask.tools.map((tool) => ({ type: 'function', function: tool }))
    model = model.bindTools(tools, choice ? { tool_choice: choice } : {})
  }
  let whole
  try {
    for await (const chunk of await model.stream(ask.messages, stop ? { stop } : {})) {
      answer.started = true
      whole = whole ? whole.concat(chunk) : chunk
    }
  } finally {
    if (whole) show(answer, whole, ask.protocol)
  }
}

function chatModel(ask) {
  const { reasoning, temperature, n } = ask.options
  const common = { model: ask.model, apiKey: ask.api_key, maxRetries: 0, temperature, streamUsage: true }
  const most = ask.max_output_tokens ?? undefined
  if (ask.protocol === 'anthropic_messages') {
    const thinking = reasoning ? { type: 'enabled', budget_tokens: 1024 } : undefined
    return new ChatAnthropic({ ...common, anthropicApiUrl: ask.base_url, maxTokens: most ?? (reasoning ? 4096 : 1024), thinking })
  }
  if (ask.protocol === 'gemini_generate_content') {
    const thinkingConfig = reasoning ? { includeThoughts: true } : undefined
    return new ChatGoogleGenerativeAI({ ...common, baseUrl: ask.base_url, maxOutputTokens: most, thinkingConfig })
  }
  const timeout = ask.timeout * 1000
  const configuration = { baseURL: ask.base_url }
  if (ask.protocol === 'openai_responses') {
    const effort = reasoning ? { effort: reasoning, summary: 'auto' } : undefined
    return new ChatOpenAI({ ...common, timeout, configuration, maxTokens: most, reasoning: effort, useResponsesApi: true })
  }
  const chat = { ...common, timeout, configuration, maxTokens: most, n, modelKwargs: reasoning ? { reasoning_effort: reasoning } : {} }
  if (ask.provider === 'deepseek') return new ChatDeepSeek(chat)
  if (ask.provider !== 'azure') return new ChatOpenAI(chat)
  return new AzureChatOpenAI({
    ...chat,
    configuration: undefined,
    azureOpenAIApiKey: ask.api_key,
    azureOpenAIBasePath: `${ask.base_url}/openai/deployments`,
    azureOpenAIApiDeploymentName: ask.model,
    azureOpenAIApiVersion: '2025-04-01-preview',
  })
}

function show(answer, message, protocol) {
  const said = message.response_metadata ?? {}
  const more = message.additional_kwargs ?? {}
  answer.message_id = said.id ?? message.id
  answer.model = said.model_name ?? said.model ?? more.model
  for (const block of message.contentBlocks) showBlock(answer, block)
  join(answer, protocol === 'openai_responses')
  for (const { name, args, id } of message.tool_calls ?? []) answer.call(name, args, id)
  for (const { name, args, id } of message.invalid_tool_calls ?? []) answer.call(name, args, id).complete = false
  showUsage(answer, message.usage_metadata)
  const own = said.finish_reason ?? said.stop_reason ?? more.stop_reason ?? said.finishReason
  answer.finish_reason = answer.raw_finish_reason = own ?? said.incomplete_details?.reason ?? said.status
}

// Some models have one block for each chunk: neighbours of a kind with nothing but text are one, as in `message.text`.
// An item of Responses is one part, where a tool that the provider ran and its result are two blocks here.
function join(answer, items) {
  const bare = (part) => part && Object.keys(part).length === 2 && ['text', 'reasoning'].includes(part.type)
  const parts = []
  for (const part of answer.content) {
    if (bare(part) && bare(parts.at(-1)) && parts.at(-1).type === part.type) parts.at(-1).text += part.text
    else if (items && part.type === 'server_tool' && part.id && parts.at(-1)?.id === part.id) parts.at(-1).data = { ...parts.at(-1).data, ...part.data }
    else parts.push(part)
  }
  answer.content = parts
}

// The calls are read from `tool_calls`, where each is once.
const CALLS = ['tool_call', 'tool_call_chunk', 'invalid_tool_call', 'input_json_delta']

function showBlock(answer, block) {
  const type = block.type === 'non_standard' ? block.value?.type : block.type
  if (CALLS.includes(type)) return
  if (type === 'text') {
    answer.part('text', { text: block.text, id: block.id })
  } else if (type === 'redacted_thinking') {
    answer.part('reasoning', { encrypted: block.value?.data ?? block.data, kind: 'redacted' })
  } else if (type === 'refusal') {
    answer.part('refusal', { text: block.value?.refusal ?? block.refusal })
  } else if (type === 'reasoning') {
    const text = block.reasoning ?? ''
    answer.part('reasoning', { text, signature: block.signature, encrypted: block.encrypted_content ?? block.data, id: block.id })
  } else if (type?.startsWith('server_tool')) {
    answer.part('server_tool', { name: block.name ?? type, id: block.id ?? block.toolCallId, data: block })
  } else if (['image', 'audio', 'video', 'file'].includes(type)) {
    answer.part('media', { media_type: block.mimeType, data: block.data, url: block.url })
  } else {
    answer.part('unknown', { name: type ?? '', data: block.value ?? block })
  }
}

function showUsage(answer, usage) {
  if (!usage) return
  const { input_token_details: ins, output_token_details: outs } = usage
  answer.usage(usage.input_tokens, usage.output_tokens, ins?.cache_read, ins?.cache_creation, outs?.reasoning)
}

const FIELDS = [
  '-raw_usage', '-choices', '-diagnostics', '-details', '-content.reasoning.summary', '-content.text.annotations',
  '-content.citation', '-content.signatures', '-error.request_id', '-error.retry_after',
]

await serve(run, {
  adapter: 'langchain-js',
  packages: ['core', 'openai', 'anthropic', 'google-genai', 'deepseek'].map((name) => `@langchain/${name}`),
  modules: new URL('node_modules/', import.meta.url),
  capabilities: {
    protocols: Object.keys(PROVIDERS),
    providers: [...new Set(Object.values(PROVIDERS).flat())].sort(),
    deltas: false,
    arguments: 'object',
    finish_dialect: 'raw',
    fields: FIELDS,
    by_protocol: {
      openai_chat: { fields: [...FIELDS, '-content.ids', '-content.reasoning.encrypted'] },
      anthropic_messages: { fields: [...FIELDS, '-usage.reasoning_tokens'] },
      gemini_generate_content: { fields: [...FIELDS, '-usage.reasoning_tokens', '-message_id', '-model', '-error.code'] },
    },
  },
})
