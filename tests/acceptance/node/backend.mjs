// A backend as many applications have one: it keeps workflows, has them executed elsewhere by
// their ids alone, and polls. Only what comes with Node.js.
//
//     node backend.mjs workflows.json
//
// It prints the port of its own service, then takes one order a line on standard input,
// {server, jobs: [{workflowId, inputs?, every, cancelAt?}]}, and prints a line with what it saw.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

// As before Node.js 20: the first address that `localhost` has is taken, and no other one.
net.setDefaultAutoSelectFamily?.(false)

const ENDED = new Set(['completed', 'failed', 'cancelled'])
const LONGEST = 90_000
const workflows = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const agent = new http.Agent({ keepAlive: true })
const sockets = new Set()
const served = []

const own = http.createServer((request, response) => {
  served.push(request.url)
  const id = decodeURIComponent(request.url.split('/').pop())
  const known = Object.hasOwn(workflows, id)
  const body = known ? { success: true, data: workflows[id] } : { error: `no workflow ${id}` }
  response.writeHead(known ? 200 : 404, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
})

function ask(server, method, path, body) {
  const { hostname, port } = new URL(server)
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = { 'Content-Type': 'application/json' }
  if (text !== undefined) headers['Content-Length'] = Buffer.byteLength(text)
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path, method, headers, agent }, (response) => {
      let found = ''
      response.setEncoding('utf8')
      response.on('data', (part) => { found += part })
      response.on('error', reject)
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode, body: JSON.parse(found) })
        } catch {
          reject(new Error(`${method} ${path}: ${response.statusCode} is no JSON: ${found}`))
        }
      })
    })
    request.on('socket', (socket) => sockets.add(socket))
    request.on('error', reject)
    request.end(text)
  })
}

async function follow(server, job) {
  const { workflowId, inputs, every, cancelAt } = job
  const accepted = await ask(server, 'POST', '/api/workflows/execute', { workflowId, inputs })
  if (accepted.status !== 200) return { job, accepted, polls: [] }
  const path = `/api/executions/${accepted.body.executionId}`
  const polls = []
  let cancelled = null
  for (const begin = Date.now(); Date.now() - begin < LONGEST; await sleep(every)) {
    const { status, body } = await ask(server, 'GET', path)
    polls.push({ httpStatus: status, ...body })
    if (ENDED.has(body.status)) break
    if (cancelled === null && cancelAt !== undefined && body.currentNodeId === cancelAt) {
      cancelled = (await ask(server, 'POST', `${path}/cancel`)).body
    }
  }
  return { job, accepted, polls, cancelled }
}

function say(found) {
  process.stdout.write(`${JSON.stringify(found)}\n`)
}

own.listen(0, 'localhost', async () => {
  say({ port: own.address().port })
  for await (const line of createInterface({ input: process.stdin })) {
    const { server, jobs } = JSON.parse(line)
    try {
      const reports = await Promise.all(jobs.map((job) => follow(server, job)))
      say({ reports, served, sockets: sockets.size })
    } catch (error) {
      say({ failed: String(error.stack) })
    }
  }
  agent.destroy()
  own.close()
})
