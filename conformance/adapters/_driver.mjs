// The child's side of the process contract, for drivers of JavaScript libraries; _driver.py in another language.
//
//     import { serve } from '../_driver.mjs'
//     async function run(ask, answer) { for await (const chunk of myLibrary(ask)) answer.append('text', chunk.text) }
//     serve(run, { adapter: 'my-library', packages: ['my-library'], capabilities: { protocols: ['openai_chat'] } })
//
// `run` fills `answer` with what the library shows. What it throws is the answer's error; `answer` is the partial one then.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const log = (...words) => process.stderr.write(words.map(String).join(' ') + '\n')
for (const name of ['log', 'info', 'warn', 'debug']) console[name] = log // stdout is the contract's

const table = (rows) => Object.fromEntries(Object.entries(rows).flatMap(([type, words]) => words.map((word) => [word, type])))

// The providers' telling words -> error type.
const CODES = table({
  rate_limit: ['rate_limit_exceeded', 'rate_limit_error', 'RESOURCE_EXHAUSTED', 'throttlingException', 'ThrottlingException'],
  insufficient_credits: ['insufficient_quota', 'billing_error'],
  authentication: ['invalid_api_key', 'authentication_error', 'UNAUTHENTICATED', 'API_KEY_INVALID'],
  permission: ['permission_error', 'PERMISSION_DENIED'],
  cancelled: ['CANCELLED'],
  not_found: ['model_not_found', 'not_found_error', 'NOT_FOUND'],
  context_window: ['context_length_exceeded', 'exceed_context_size_error'],
  content_filter: ['content_filter', 'content_policy_violation'],
  overloaded: ['server_is_overloaded', 'overloaded_error', 'UNAVAILABLE', 'serviceUnavailableException'],
  timeout: ['timeout_error', 'DEADLINE_EXCEEDED', 'modelTimeoutException'],
  server: ['internalServerException', 'modelStreamErrorException', 'INTERNAL', 'api_error'],
})

// Their catch-all words, which say less than the message and the status.
const VAGUE = table({
  bad_request: ['invalid_request_error', 'invalid_prompt', 'request_too_large', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'validationException'],
  server: ['server_error'],
})

const MESSAGES = [
  [/prompt is too long|exceed context limit|input is too long|maximum context length/i, 'context_window'],
  [/input token count .{0,20}exceeds|exceeds the (available )?context (size|window)/i, 'context_window'],
  [/credit balance is too low|insufficient balance/i, 'insufficient_credits'],
  [/API key (not valid|expired)/i, 'authentication'],
  [/prompt (was )?blocked/i, 'content_filter'],
]

const STATUSES = {
  400: 'bad_request', 401: 'authentication', 402: 'insufficient_credits', 403: 'permission', 404: 'not_found', 408: 'timeout',
  413: 'bad_request', 422: 'unprocessable', 429: 'rate_limit', 503: 'overloaded', 504: 'timeout', 529: 'overloaded',
}

// Names and messages of what Node, undici and JSON.parse throw.
const RAISED = [
  [/terminated|other side closed|ECONNRESET|UND_ERR_SOCKET|premature close/i, 'interrupted'],
  [/TimeoutError|ETIMEDOUT|UND_ERR_BODY_TIMEOUT|UND_ERR_HEADERS_TIMEOUT/i, 'timeout'],
  [/JSONParseError|TypeValidationError|SyntaxError|InvalidResponseDataError|Failed to process successful response/, 'protocol'],
  [/ECONNREFUSED|fetch failed|cannot connect/i, 'connection'],
]

/** The library cannot be asked this. Throw it from `run`. */
export class Unsupported extends Error {}

const CUTS = ['interrupted', 'connection', 'timeout', 'cancelled']
const COUNTS = ['input_tokens', 'output_tokens', 'cached_input_tokens', 'cache_write_tokens', 'reasoning_tokens']

/** What the library has shown so far, in the normal form. */
export class Answer {
  content = []
  tool_calls = []
  tokens = {}
  finish_reason = null
  raw_finish_reason = null
  status = 'complete'
  message_id = null
  model = null
  raw_usage = null
  error = null
  details = {}
  started = false

  /** One part; fields that are null or undefined are left out. Returns the part, which may still grow. */
  part(type, fields) {
    const said = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))
    const part = { type, ...(['text', 'reasoning', 'refusal', 'media'].includes(type) ? { text: '' } : {}), ...said }
    this.content.push(part)
    return part
  }

  /** A tool call at this place of the content. arguments: text, or an object that is written as compact JSON. */
  call(name, args, id, fields = {}) {
    const text = typeof args === 'string' ? args : args === undefined || args === null ? '' : JSON.stringify(args)
    this.part('tool_call', { index: this.tool_calls.length, ...fields })
    this.tool_calls.push({ id: id || null, name: name ?? '', arguments: text, complete: isJson(text || '{}') })
    return this.tool_calls.at(-1)
  }

  /** input includes the caches, output the reasoning. undefined: not shown. */
  usage(input, output, cached, written, reasoning) {
    this.tokens = { input_tokens: input, output_tokens: output, cached_input_tokens: cached, cache_write_tokens: written, reasoning_tokens: reasoning }
  }

  toJSON() {
    const carries = ({ type, id, phase, ...rest }) =>
      (id && type !== 'text') || Object.values(rest).some((value) => value !== '' && value?.length !== 0)
    return {
      content: this.content.filter(carries),
      tool_calls: this.tool_calls,
      usage: { ...Object.fromEntries(COUNTS.map((name) => [name, this.tokens[name] ?? null])), estimated: false },
      finish_reason: this.finish_reason || null,
      raw_finish_reason: this.raw_finish_reason || null,
      status: this.status,
      error: this.error,
      model: this.model || null,
      message_id: this.message_id || null,
      raw_usage: this.raw_usage ?? null,
    }
  }
}

export function isJson(text) {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The error type for a provider's words, its message, what was thrown, and the HTTP status. */
function classify(words, message, thrown, status) {
  const told = words.filter((word) => typeof word === 'string')
  const of = (rows) => told.map((word) => rows[word]).find(Boolean)
  const first = (rows, text) => rows.find(([pattern]) => pattern.test(text))?.[1]
  const byStatus = STATUSES[status] ?? (status >= 500 ? 'server' : undefined)
  return of(CODES) ?? first(MESSAGES, message) ?? byStatus ?? first(RAISED, thrown) ?? of(VAGUE) ?? (status ? 'bad_request' : 'provider')
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What was thrown or shown as the completion's `error`. types: rows [pattern, type] of the library's own errors. */
export function errorInfo(error, types = [], started = false) {
  const body = error?.data ?? error?.error ?? (error?.responseBody ? parsed(error.responseBody) : undefined)
  const said = body?.error ?? body?.response?.error ?? body ?? (error instanceof Error ? {} : error) ?? {}
  const numeric = Number(said.code)
  const status = [error?.statusCode, error?.status, numeric].find((value) => value >= 400 && value < 1000)
  const code = (typeof said.status === 'string' ? said.status : undefined) ?? said.code ?? said.type
  const message = said.message ?? error?.message ?? (typeof error === 'string' ? error : JSON.stringify(error))
  const thrown = [error?.name, error?.message, error?.code, error?.cause?.name, error?.cause?.message, error?.cause?.code].join(' ')
  const own = types.find(([pattern]) => pattern.test(`${error?.name}: ${error?.message}`))?.[1]
  let type = own ?? classify([code, said.code, said.type], String(message), thrown, status)
  if (started && type === 'connection') type = 'interrupted'
  const headers = error?.responseHeaders ?? {}
  return {
    type,
    code: code === undefined || code === null ? null : String(code),
    message: String(message),
    status_code: status ?? null,
    request_id: headers['x-request-id'] ?? headers['request-id'] ?? null,
    retry_after: Number(headers['retry-after']) || null,
  }
}

/** What of an answer stands when it ended with an error. */
export function failed(answer, error, types) {
  answer.error = errorInfo(error, types, answer.started || answer.content.length > 0)
  answer.status = CUTS.includes(answer.error.type) ? 'interrupted' : 'failed'
}

async function answered(run, message, types) {
  const answer = new Answer()
  const call = { messages: [], tools: [], max_output_tokens: undefined, options: {}, ...message.call }
  try {
    await run({ ...message, ...call }, answer)
  } catch (error) {
    log(error?.stack ?? error)
    if (error instanceof Unsupported) {
      const empty = { code: null, status_code: null, request_id: null, retry_after: null }
      return { type: 'error', kind: 'unsupported', error: { type: 'bad_request', message: error.message, ...empty } }
    }
    failed(answer, error, types)
    return { type: 'error', error: answer.error, partial: answer, details: answer.details }
  }
  return { type: 'result', completion: answer, details: answer.details }
}

/** Say hello, then answer calls until stdin closes. packages: names below `modules`, a folder's URL, for their versions. */
export async function serve(run, { adapter, packages, modules, capabilities, errors = [] }) {
  const version = (name) => JSON.parse(readFileSync(new URL(`${name}/package.json`, modules))).version
  const versions = { ...Object.fromEntries(packages.map((name) => [name, version(name)])), node: process.versions.node }
  process.on('unhandledRejection', (error) => log('unhandled', error?.stack ?? error))
  say({ type: 'hello', schema: 1, adapter, versions, capabilities })
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line)
    if (message.type === 'call') say({ id: message.id, ...(await answered(run, message, errors)) })
  }
}
