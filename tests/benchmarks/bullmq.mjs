// The same scenarios as peers.py on BullMQ: node bullmq.mjs SCENARIO PORT COUNT CONCURRENCY FD
import { createRequire } from "node:module";
import { writeSync } from "node:fs";

const require = createRequire(process.env.BULLMQ_HOME + "/");
const { Queue, Worker } = require("bullmq");
const [scenario, port, countText, concurrencyText, fd] = process.argv.slice(2);
const count = Number(countText);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const options = { removeOnComplete: { count: 100 }, removeOnFail: { count: 500 } };
const payload = "x".repeat(280);
const queue = new Queue("bench", { connection, defaultJobOptions: options });
const now = () => performance.timeOrigin + performance.now();
const data = (seconds) => ({ payload, at: now(), seconds });

async function enqueue(total, seconds, bulk) {
  for (let start = 0; start < total; start += bulk) {
    const size = Math.min(bulk, total - start);
    if (size === 1) await queue.add("noop", data(seconds));
    else await queue.addBulk(Array.from({ length: size }, () => ({ name: "noop", data: data(seconds) })));
  }
}

function work(waits) {
  let seen = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const worker = new Worker(
    "bench",
    async (job) => {
      waits.push(now() - job.data.at);
      if (job.data.seconds) await new Promise((resolve) => setTimeout(resolve, job.data.seconds * 1000));
    },
    { connection, concurrency: Number(concurrencyText) },
  );
  worker.on("completed", (job) => {
    process.stdout.write(JSON.stringify({ event: "job_finished", job_id: job.id }) + "\n");
    if (++seen >= count) finish();
  });
  return finished;
}

async function drain(seconds) {
  await enqueue(count, seconds, 100);
  const started = performance.now();
  const cpu = process.cpuUsage();
  await work([]);
  const elapsed = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  return { seconds: elapsed, jobs_per_second: count / elapsed, cpu_us_per_job: (used.user + used.system) / count };
}

async function pickup() {
  const waits = [];
  const finished = work(waits);
  for (let index = 0; index < count; index++) {
    await enqueue(1, 0, 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await finished;
  waits.sort((one, other) => one - other);
  const at = (share) => waits[Math.min(waits.length - 1, Math.floor((waits.length * share) / 100))];
  return { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) };
}

async function rate(bulk) {
  const started = performance.now();
  await enqueue(count, 0, bulk);
  return { jobs_per_second: count / ((performance.now() - started) / 1000) };
}

await queue.waitUntilReady();
const scenarios = { drain: () => drain(0), sleep: () => drain(1), pickup, single: () => rate(1), bulk: () => rate(100) };
writeSync(Number(fd), JSON.stringify(await scenarios[scenario]()));
process.exit(0);
