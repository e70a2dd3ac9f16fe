// Vercel AI SDK: `streamText()`, the parts of its `stream` put together.
//
// https://ai-sdk.dev/docs/ai-sdk-core/generating-text#stream-property. A tool call may be run when its `tool-call` part has
// come and is not marked `invalid`; until then its input is only text. Run: npm ci; node_modules/.bin/node vercel_ai_driver.mjs
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAmazonBedrockAnthropic } from '@ai-sdk/amazon-bedrock/anthropic'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createAzure } from '@ai-sdk/azure'
import { createDeepSeek } from '@ai-sdk/deepseek'
import { createGoogle } from '@ai-sdk/google'
import { createOpenResponses } from '@ai-sdk/open-responses'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { createXai } from '@ai-sdk/xai'
import { isStepCount, jsonSchema, NoSuchToolError, streamText, tool } from 'ai'
import { failed, serve, Unsupported } from '../_driver.mjs'

const compatible = ({ base_url, api_key, model, provider }) =>
  createOpenAICompatible({ name: provider, baseURL: base_url, apiKey: api_key, includeUsage: true }).chatModel(model)
const azure = ({ base_url, api_key }) =>
  createAzure({ baseURL: `${base_url}/openai`, apiKey: api_key, apiVersion: '2025-04-01-preview', useDeploymentBasedUrls: true })
const openai = ({ base_url, api_key }) => createOpenAI({ baseURL: base_url, apiKey: api_key })
const openResponses = ({ base_url, api_key, model, provider }) =>
  createOpenResponses({ name: provider, url: `${base_url}/responses`, apiKey: api_key })(model)
const anthropic = ({ base_url, api_key, model }) => createAnthropic({ baseURL: `${base_url}/v1`, apiKey: api_key })(model)
const google = ({ base_url, api_key, model }) => createGoogle({ baseURL: `${base_url}/v1beta`, apiKey: api_key })(model)
const bedrock = (create) => ({ base_url, api_key, model }) => create({ baseURL: base_url, apiKey: api_key, region: 'us-east-1' })(model)

const MODELS = {
  openai_chat: {
    openai: (ask) => openai(ask).chat(ask.model),
    azure: (ask) => azure(ask).chat(ask.model),
    deepseek: ({ base_url, api_key, model }) => createDeepSeek({ baseURL: base_url, apiKey: api_key })(model),
    openai_compatible: compatible,
    openrouter: compatible,
    zai: compatible,
    lmstudio: compatible,
    minimax: compatible,
  },
  openai_responses: {
    openai: (ask) => openai(ask).responses(ask.model),
    openai_compatible: openResponses,
    lmstudio: openResponses,
    xai: ({ base_url, api_key, model }) => createXai({ baseURL: base_url, apiKey: api_key }).responses(model),
  },
  anthropic_messages: { anthropic, anthropic_compatible: anthropic, bedrock: bedrock(createAmazonBedrockAnthropic) },
  gemini_generate_content: { google_ai: google, gemini_compatible: google },
  bedrock_converse: { bedrock: bedrock(createAmazonBedrock) },
}

const FINISH = { error: 'other', 'content-filter': 'content_filter', 'tool-calls': 'tool_calls' }
const LEVELS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh']

async function run(ask, answer) {
  const model = MODELS[ask.protocol]?.[ask.provider]
  if (!model) throw new Unsupported(`no ${ask.provider} for ${ask.protocol}`)
  const { stream } = streamText({ model: model(ask), ...settings(ask) })
  const open = new Map()
  for await (const part of stream) {
    if (part.type !== 'start' && part.type !== 'start-step') answer.started ||= part.type !== 'error'
    SHOW[part.type]?.(answer, part, open)
  }
  joinItems(answer)
}

function settings(ask) {
  const { reasoning, stop, temperature, tool_choice: choice } = ask.options
  const tools = ask.tools.map(({ name, description, parameters }) => [name, tool({ description, inputSchema: jsonSchema(parameters) })])
  const system = ask.messages.filter(({ role }) => role === 'system').map(({ content }) => content)
  return {
    instructions: system.join('\n\n') || undefined,
    messages: ask.messages.filter(({ role }) => role !== 'system'),
    tools: tools.length ? Object.fromEntries(tools) : undefined,
    toolChoice: !choice || ['auto', 'required', 'none'].includes(choice) ? choice : { type: 'tool', toolName: choice },
    maxOutputTokens: ask.max_output_tokens ?? undefined,
    temperature,
    stopSequences: stop,
    reasoning: LEVELS.includes(reasoning) ? reasoning : undefined,
    maxRetries: 0,
    stopWhen: isStepCount(1),
    timeout: { chunkMs: ask.timeout * 1000 },
    onError: () => {}, // the parts have it
  }
}

// The providers' own fields of a part: what has to go back.
const own = (part) => Object.values(part.providerMetadata ?? {})[0] ?? {}

function merge(target, part, names) {
  const said = own(part)
  for (const [from, to] of Object.entries(names)) if (said[from] !== undefined && said[from] !== null) target[to] = said[from]
}

const TEXT = { itemId: 'id', phase: 'phase', annotations: 'annotations', citations: 'annotations', thoughtSignature: 'signature' }
const REASONING = {
  itemId: 'id', signature: 'signature', thoughtSignature: 'signature', redactedData: 'encrypted', redactedContent: 'encrypted',
  reasoningEncryptedContent: 'encrypted',
}
const CALL = { itemId: 'id', thoughtSignature: 'signature' }

const start = (type, names) => (answer, part, open) => {
  const made = answer.part(type, {})
  merge(made, part, names)
  if (made.encrypted && (own(part).redactedData || own(part).redactedContent)) made.kind = 'redacted'
  open.set(`${type} ${part.id}`, made)
}
const add = (type, names) => (answer, part, open) => {
  const made = open.get(`${type} ${part.id}`) ?? answer.part(type, {})
  made.text += part.text ?? ''
  merge(made, part, names)
  if (type === 'reasoning' && (own(part).redactedData || own(part).redactedContent)) made.kind = 'redacted'
}

function toolInputStart(answer, part, open) {
  if (part.providerExecuted) return
  const call = answer.call(part.toolName, '', part.id)
  open.set(`call ${part.id}`, { call, place: answer.content.at(-1) })
  call.complete = false
}

function toolCall(answer, part, open) {
  let known = open.get(`call ${part.toolCallId}`)
  if (part.providerExecuted) {
    if (known) withdraw(answer, known) // its input came first, without this mark
    const { itemId } = own(part)
    answer.part('server_tool', { name: part.toolName, id: itemId ?? part.toolCallId, data: { input: part.input } })
    return
  }
  if (!known) {
    known = { call: answer.call(part.toolName, '', part.toolCallId), place: answer.content.at(-1) }
    open.set(`call ${part.toolCallId}`, known)
  }
  const input = PROVIDER_TOOLS[part.toolName] ? (part.input?.[PROVIDER_TOOLS[part.toolName]] ?? part.input) : part.input
  known.call.name = part.toolName
  known.call.arguments = typeof input === 'string' ? input : JSON.stringify(input ?? {})
  known.call.complete = !part.invalid || NoSuchToolError.isInstance(part.error) // a tool that was not asked for
  merge(known.place, part, CALL)
}

// OpenAI's own client tools -> the place of the item that their input wraps.
const PROVIDER_TOOLS = { local_shell: 'action', shell: 'action', apply_patch: 'operation', computer: 'actions', tool_search: 'arguments' }

function withdraw(answer, { call, place }) {
  answer.content = answer.content.filter((part) => part !== place)
  answer.tool_calls = answer.tool_calls.filter((one) => one !== call)
  answer.content.filter(({ type }) => type === 'tool_call').forEach((part, index) => (part.index = index))
}

function finishStep(answer, part) {
  const { usage, response } = part
  answer.message_id = response?.id
  answer.model = response?.modelId
  endOf(answer, part.finishReason, part.rawFinishReason)
  const { inputTokenDetails: ins, outputTokenDetails: outs } = usage
  answer.usage(usage.inputTokens, usage.outputTokens, ins?.cacheReadTokens, ins?.cacheWriteTokens, outs?.reasoningTokens)
  answer.raw_usage = usage.raw ?? null
  const { groundingMetadata, promptFeedback, safetyRatings, finishMessage, stopSequence, stopDetails } = own(part)
  if (groundingMetadata) answer.part('citation', { citations: [groundingMetadata] })
  const details = { prompt_feedback: promptFeedback, safety_ratings: safetyRatings, finish_message: finishMessage, stop_sequence: stopSequence, stop_details: stopDetails }
  for (const [name, value] of Object.entries(details)) if (value !== null && value !== undefined) answer.details[name] = value
}

// `interrupted`: the stream ended without a completion signal. `error` and `other` have no word of the provider where it said
// none; `error` is the closed list's word for all bad ends, MALFORMED_FUNCTION_CALL too.
function endOf(answer, word, raw) {
  answer.raw_finish_reason = raw
  if (word === 'error' && answer.error) return
  if (word === 'interrupted' && !answer.error) failed(answer, { name: 'interrupted', message: 'finishReason is interrupted' }, ERRORS)
  if (word === 'error' && !answer.error && failsBy(raw)) failed(answer, { code: raw, message: 'finishReason is error' }, ERRORS)
  if (word !== 'interrupted' && (raw || !['error', 'other'].includes(word))) answer.finish_reason = FINISH[word] ?? word
}

const failsBy = (raw) => !/^[A-Z_]+$/.test(raw ?? '') // words in capitals are Gemini's reasons

const file = (kind) => (answer, part) => {
  const made = answer.part('media', { media_type: part.file.mediaType, data: part.file.base64, kind })
  merge(made, part, { thoughtSignature: 'signature' })
}

const SHOW = {
  'text-start': start('text', TEXT),
  'text-delta': add('text', TEXT),
  'text-end': add('text', TEXT),
  'reasoning-start': start('reasoning', REASONING),
  'reasoning-delta': add('reasoning', REASONING),
  'reasoning-end': add('reasoning', REASONING),
  'tool-input-start': toolInputStart,
  'tool-input-delta': (answer, part, open) => {
    const known = open.get(`call ${part.id}`)
    if (known) known.call.arguments += part.delta
  },
  'tool-call': toolCall,
  'tool-result': (answer, part, open) => {
    const known = open.get(`call ${part.toolCallId}`)
    if (part.providerExecuted && known) withdraw(answer, known)
    if (part.providerExecuted) answer.part('server_tool', { name: part.toolName, id: part.toolCallId, data: { output: part.output } })
  },
  file: file(undefined),
  'reasoning-file': file('thought'),
  custom: (answer, part) => {
    if (part.kind !== 'anthropic.message_start') answer.part('server_tool', { name: part.kind, id: own(part).itemId, data: own(part) })
  },
  'finish-step': finishStep,
  error: (answer, { error }) => failed(answer, error, ERRORS),
  abort: (answer, { reason }) => failed(answer, { name: 'AbortError', message: reason ?? 'aborted', code: 'CANCELLED' }, ERRORS),
}

// One part per item of Responses: its summaries are parts here, and a tool that the provider ran is a call and a result.
function joinItems(answer) {
  const parts = []
  for (const part of answer.content) {
    const last = parts.at(-1)
    const same = last && last.type === part.type && last.id && last.id === part.id
    if (same && part.type === 'reasoning') {
      last.summary = [...(last.summary ?? [last.text]), part.text]
      last.text = last.summary.filter(Boolean).join('\n\n')
      if (part.encrypted) last.encrypted = part.encrypted
    } else if (same && part.type === 'server_tool') {
      last.data = { ...last.data, ...part.data }
    } else {
      parts.push(part)
    }
  }
  answer.content = parts
}

const ERRORS = [
  [/^interrupted|without a finish reason|stream ended without/i, 'interrupted'],
  [/^ChunkTimeoutError/, 'timeout'],
]

const packages = ['ai', 'amazon-bedrock', 'anthropic', 'azure', 'deepseek', 'google', 'openai', 'openai-compatible', 'xai']
const FIELDS = ['-choices', '-diagnostics', '-content.refusal', '-content.unknown']

await serve(run, {
  adapter: 'vercel-ai',
  packages: packages.map((name) => (name === 'ai' ? name : `@ai-sdk/${name}`)),
  modules: new URL('node_modules/', import.meta.url),
  errors: ERRORS,
  capabilities: {
    protocols: Object.keys(MODELS),
    providers: [...new Set(Object.values(MODELS).flatMap(Object.keys))].sort(),
    deltas: false,
    finish_dialect: 'wire',
    arguments: 'object',
    fields: FIELDS,
    by_protocol: {
      openai_chat: { fields: [...FIELDS, '-details', '-content.ids', '-content.reasoning.encrypted', '-usage.cache_write_tokens'] },
      openai_responses: { fields: [...FIELDS, '-details'] },
      bedrock_converse: { fields: [...FIELDS, '-details'] },
    },
  },
})
