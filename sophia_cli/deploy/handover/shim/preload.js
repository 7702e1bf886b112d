// Answer a Node program's own listen with a listening socket that it inherited. Required before the program.
//
// SOPHIA_BIND_FD is the inherited listener, SOPHIA_BIND_PORTS the ports whose listen gets it (without: the first port
// that is listened on). Runners such as npm hand it on to the node processes that they start. A server that knows no
// SIGTERM of its own drains on it, for at most SOPHIA_DRAIN_S.
"use strict";

const childProcess = require("child_process");
const cluster = require("cluster");
const fs = require("fs");
const net = require("net");

const IDLE_GRACE_MS = 1000;
const POLL_MS = 20;

const fd = Number(process.env.SOPHIA_BIND_FD);
const ports = new Set((process.env.SOPHIA_BIND_PORTS || "").split(",").filter(Boolean).map(Number));
const drainMs = 1000 * Number(process.env.SOPHIA_DRAIN_S || 30);

// A worker of a cluster has its channel on a low descriptor; its primary opens what it names.
if (cluster.isWorker || (isSocket() && !process.env.NODE_CHANNEL_FD)) {
  const taken = new Set();
  answerListen(taken);
  if (!cluster.isWorker) handOn(taken);
  drainOnTerm(taken);
}

function isSocket() {
  try {
    return Number.isInteger(fd) && fs.fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

function portOf(target) {
  const value = target !== null && typeof target === "object" ? target.port : target;
  const isNumber = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
  return isNumber ? Number(value) : 0;
}

function answers(port) {
  if (port === 0) return false;
  if (ports.size === 0) ports.add(port);
  return ports.has(port);
}

function answerListen(taken) {
  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (...given) {
    if (!answers(portOf(given[0]))) return listen.apply(this, given);
    taken.add(this);
    const callback = given[given.length - 1];
    return listen.call(this, { fd }, ...(typeof callback === "function" ? [callback] : []));
  };
}

// Node marks inherited descriptors so that its children do not get them; they are named one by one.
function handOn(taken) {
  const spawn = childProcess.ChildProcess.prototype.spawn;
  childProcess.ChildProcess.prototype.spawn = function (options) {
    const stdio = Array.isArray(options.stdio) ? options.stdio : new Array(3).fill(options.stdio || "pipe");
    // A child with a channel or a descriptor of its own there is left alone, and so is one started by the server.
    const isFree = stdio.length <= fd && !stdio.includes("ipc");
    if (!isFree || taken.size > 0) return spawn.call(this, options);
    const filled = [...stdio, ...new Array(fd - stdio.length).fill("ignore"), fd];
    return spawn.call(this, { ...options, stdio: filled });
  };
}

function drainOnTerm(taken) {
  let isDraining = false;
  const emit = net.Server.prototype.emit;
  net.Server.prototype.emit = function (name, ...rest) {
    if (isDraining && name === "request" && taken.has(this) && !rest[1].headersSent) {
      rest[1].setHeader("Connection", "close");
    }
    return emit.call(this, name, ...rest);
  };
  process.on("SIGTERM", function drain() {
    if (process.listenerCount("SIGTERM") > 1 || isDraining) return;
    if (taken.size === 0) {
      process.removeListener("SIGTERM", drain);
      process.kill(process.pid, "SIGTERM");
      return;
    }
    isDraining = true;
    const began = Date.now();
    let open = taken.size;
    // The close of http would end idle connections at once.
    for (const server of taken) net.Server.prototype.close.call(server, () => (open -= 1));
    const timer = setInterval(() => {
      const passed = Date.now() - began;
      if (passed >= IDLE_GRACE_MS) {
        for (const server of taken) if (server.closeIdleConnections) server.closeIdleConnections();
      }
      if (open <= 0 || passed >= drainMs) {
        clearInterval(timer);
        process.exit(0);
      }
    }, POLL_MS);
  });
}
