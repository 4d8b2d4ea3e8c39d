// The scenarios of scenarios.py on BullMQ: node bullmq.mjs SCENARIO PORT COUNT AT_ONCE FD
import { createRequire } from "node:module";
import { writeSync } from "node:fs";

const require = createRequire(process.env.BULLMQ_HOME + "/");
const { Queue, Worker } = require("bullmq");
const [scenario, port, countText, atOnceText, fd] = process.argv.slice(2);
const count = Number(countText);
const atOnce = Number(atOnceText);
const LONG_SECONDS = 60;
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const options = { removeOnComplete: { count: 100 }, removeOnFail: { count: 500 } };
const payload = "x".repeat(280);
const now = () => performance.timeOrigin + performance.now();
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const data = (seconds) => ({ payload, at: now(), seconds });
const report = (figures) => writeSync(Number(fd), JSON.stringify(figures) + "\n");

async function openQueue() {
  const queue = new Queue("bench", { connection, defaultJobOptions: options });
  await queue.waitUntilReady();
  return queue;
}

async function enqueue(queue, total, seconds, bulk) {
  for (let start = 0; start < total; start += bulk) {
    const size = Math.min(bulk, total - start);
    if (size === 1) await queue.add("noop", data(seconds));
    else await queue.addBulk(Array.from({ length: size }, () => ({ name: "noop", data: data(seconds) })));
  }
}

// A connected worker that waits for start(); `finished` resolves when `count` jobs are recorded as such.
async function openWorker(waits, began = () => {}) {
  let seen = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const run = async (job) => {
    waits.push(now() - job.data.at);
    began();
    if (job.data.seconds) await sleep(job.data.seconds * 1000);
  };
  const worker = new Worker("bench", run, { connection, concurrency: atOnce, autorun: false });
  worker.on("completed", (job) => {
    process.stdout.write(JSON.stringify({ event: "job_finished", job_id: job.id }) + "\n");
    if (++seen >= count) finish();
  });
  await worker.waitUntilReady();
  return { start: () => void worker.run(), finished };
}

async function drain(seconds) {
  await enqueue(await openQueue(), count, seconds, 100);
  const worker = await openWorker([]);
  const started = performance.now();
  const cpu = process.cpuUsage();
  worker.start();
  await worker.finished;
  const elapsed = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  return {
    seconds: elapsed,
    jobs_per_second: count / elapsed,
    cpu_us_per_job: (used.user + used.system) / count,
    efficiency: (100 * count * seconds) / atOnce / elapsed,
  };
}

async function pickup() {
  const waits = [];
  const queue = await openQueue();
  const worker = await openWorker(waits);
  worker.start();
  for (let index = 0; index < count; index++) {
    await enqueue(queue, 1, 0, 1);
    await sleep(10);
  }
  await worker.finished;
  waits.sort((one, other) => one - other);
  const at = (share) => waits[Math.min(count - 1, Math.floor((count * share) / 100))];
  return { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) };
}

async function rate() {
  const queue = await openQueue();
  const started = performance.now();
  await enqueue(queue, count, 0, atOnce);
  return { jobs_per_second: count / ((performance.now() - started) / 1000) };
}

async function longJob(prepare) {
  let begin;
  const began = new Promise((resolve) => (begin = resolve));
  const worker = await openWorker([], () => begin({ began: now() / 1000 }));
  worker.start();
  await prepare();
  return began;
}

async function hold() {
  const queue = await openQueue();
  return longJob(async () => {
    await sleep(1000);
    await enqueue(queue, 1, LONG_SECONDS, 1);
  });
}

const resume = () => longJob(async () => {});

async function idle() {
  const worker = await openWorker([]);
  worker.start();
  await worker.finished;
}

const scenarios = { drain: () => drain(0), sleep: () => drain(1), pickup, enqueue: rate, hold, resume, idle };
report(await scenarios[scenario]());
if (!["hold", "resume"].includes(scenario)) process.exit(0);
