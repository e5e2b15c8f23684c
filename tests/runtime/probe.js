/** Tries to get out of a runtime's process; says of each attempt whether it got through, or what stopped it. */
import childProcess from "node:child_process";
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import process from "node:process";

const { port, socket, file, folder, module } = JSON.parse(await new Response(Deno.stdin.readable).text());

function connected(options) {
  return new Promise((resolve, reject) => {
    const wire = net.connect(options, () => {
      wire.destroy();
      resolve(true);
    });
    wire.on("error", reject);
  });
}

function sent(port) {
  const datagrams = dgram.createSocket("udp4");
  return new Promise((resolve, reject) => {
    datagrams.on("error", reject);
    // It's refused where nobody waits for it
    addEventListener("error", (event) => {
      event.preventDefault();
      reject(event.error);
    }, { once: true });
    datagrams.send("x", port, "127.0.0.1", (error) => {
      datagrams.close();
      error ? reject(error) : resolve(true);
    });
  });
}

function worked(source, permissions) {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { type: "module", deno: { permissions } });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      data === true ? resolve(true) : reject(new Error(data));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}

const ATTEMPTS = {
  "read a file": () => Deno.readTextFile(file),
  "read a file, as Node does": () => fs.readFileSync(file, "utf8"),
  "read the program": () => Deno.readTextFile(new URL(import.meta.url)),
  "read what a process is": () => Deno.readTextFile("/proc/self/environ"),
  "read the memory's map": () => fs.readFileSync("/proc/self/maps"),
  "list a folder": () => [...Deno.readDirSync(folder)].length,
  "look at a file": () => Deno.statSync(file),
  "read through a link": () => Deno.readLinkSync(`${folder}/link`),
  "import a file": () => import(`file://${module}`),
  "import a file as JSON": () => import(`file://${folder}/more.json`, { with: { type: "json" } }),
  "write a file": () => Deno.writeTextFile(`${folder}/written`, "x").then(() => true),
  "write a file, as Node does": () => (fs.writeFileSync(`${folder}/written`, "x"), true),
  "make a folder for a moment": () => Deno.makeTempDir(),
  "link what may be read to what may not": () => (Deno.symlinkSync(file, `${folder}/made`), true),
  "read the environment": () => Deno.env.get("CANARY"),
  "read the environment, as Node does": () => process.env.CANARY,
  "run a program": async () => (await new Deno.Command("/bin/true").output()).success,
  "run a program, as Node does": () => childProcess.execFileSync("/bin/true") && true,
  "load a library": () => Deno.dlopen("libc.so.6", { getpid: { parameters: [], result: "i32" } }).symbols.getpid(),
  "end a process": () => (Deno.kill(Deno.ppid, "SIGCONT"), true),
  "end a process, as Node does": () => process.kill(process.ppid, 0),
  "name the machine": () => Deno.hostname(),
  "name the machine, as Node does": () => os.hostname(),
  "list addresses of the machine": () => Deno.networkInterfaces(),
  "call over HTTP": () => fetch(`http://127.0.0.1:${port}/`).then((response) => response.status),
  "call by name": () => fetch(`http://localhost:${port}/`).then((response) => response.status),
  "call by another spelling": () => fetch(`http://2130706433:${port}/`).then((response) => response.status),
  "connect": () => Deno.connect({ hostname: "127.0.0.1", port }),
  "connect, as Node does": () => connected({ host: "127.0.0.1", port }),
  "connect to another socket": () => Deno.connect({ transport: "unix", path: socket }),
  "connect to another socket, as Node does": () => connected({ path: socket }),
  "listen": () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  "listen on another socket": () => Deno.listen({ transport: "unix", path: `${folder}/mine.sock` }),
  "send a datagram": () => sent(port),
  "open a web socket": () => new WebSocket(`ws://127.0.0.1:${port}/`),
  "import from elsewhere": () => import(`http://127.0.0.1:${port}/module.js`),
  "be granted what it asks for": async () => (await Deno.permissions.request({ name: "read" })).state === "granted",
  "have a worker that may more": () =>
    worked(`try { Deno.readTextFileSync(${JSON.stringify(file)}); postMessage(true) } catch (e) { postMessage(e.name) }`, {
      read: true,
    }),
};

const found = {};
for (const [name, attempt] of Object.entries(ATTEMPTS)) {
  try {
    found[name] = await attempt() ? "through" : "nothing";
  } catch (error) {
    found[name] = `${error.name}: ${error.message}`.split("\n", 1)[0];
  }
}
console.log(JSON.stringify({ event: "found", found }));
Deno.exit(0);
