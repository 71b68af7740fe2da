#!/usr/bin/env python3
"""Delays of messages over the real TCP of this Linux kernel, on a link that delays and loses packets.

Needs root and /dev/net/tun; nothing else, and leaves nothing behind: two network namespaces without names, each with one
end of a link made of two TUN devices, live as long as this process. Between the devices this process carries every packet,
after its delay, or loses it. All in one thread, which reports how late it was itself.

    sudo python3 bench/tcp-truth/measure.py --seconds 60 --connections 6 --seed 1 --out truth.json
"""
import argparse
import ctypes
import fcntl
import heapq
import json
import os
import platform
import random
import select
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
# What a WebSocket puts before a message of that length from a client (RFC 6455 §5.2): a mask and 2 or 4 bytes.
FRAME_BYTES = {80: 6, 1920: 8}
NEAR, FAR = "10.99.0.1", "10.99.0.2"

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def run(*command):
    subprocess.run(command, check=True)


def namespace(device, own, other):
    """Moves this process into a new network namespace with a TUN device, and returns both as file descriptors."""
    check(libc.unshare(CLONE_NEWNET))
    space = os.open("/proc/self/ns/net", os.O_RDONLY)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{own}/32", "peer", other, "dev", device)
    run("ip", "link", "set", device, "mtu", "1500", "up")
    # Or else a connection would begin with what an earlier one learnt.
    with open("/proc/sys/net/ipv4/tcp_no_metrics_save", "w") as file:
        file.write("1")
    return space, tun


class Connection:
    """One TCP connection, its messages and their delays."""

    def __init__(self, congestion, size, loss, seed):
        self.congestion, self.size, self.loss, self.seed = congestion, size, loss, seed
        self.wire = size + FRAME_BYTES[size]
        self.random = random.Random(seed)
        self.sent, self.delays = [], []
        self.received = 0
        self.packets = self.lost = 0
        self.sender = self.receiver = None

    def fate(self):
        self.packets += 1
        lost = self.random.random() < self.loss
        self.lost += lost
        return not lost

    def send(self):
        self.sent.append(time.monotonic())
        written = self.sender.send(bytes(self.wire))
        assert written == self.wire, "the send buffer is full"

    def receive(self):
        self.received += len(self.receiver.recv(1 << 20))
        now = time.monotonic()
        while len(self.delays) < self.received // self.wire:
            self.delays.append((now - self.sent[len(self.delays)]) * 1000)


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def before_all_others():
    """What else runs on this machine must not delay packets."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        os.nice(-10)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=6, help="of each kind, at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delay", type=float, default=25, help="ms, one way")
    parser.add_argument("--jitter", type=float, default=0, help="ms, standard deviation; packets overtake each other")
    parser.add_argument("--period", type=float, default=20, help="ms between messages")
    parser.add_argument("--congestion", default="cubic,reno")
    parser.add_argument("--loss", default="0.02,0.05")
    parser.add_argument("--sizes", default="80,1920")
    parser.add_argument("--out", default="-")
    return parser.parse_args()


def main():
    args = options()
    near_space, near_tun = namespace("near", NEAR, FAR)
    far_space, far_tun = namespace("far", FAR, NEAR)

    connections = {}
    losses = [float(x) for x in args.loss.split(",")]
    listener = socket.socket()
    listener.bind((FAR, 9000))
    listener.listen(1024)
    for congestion in args.congestion.split(","):
        for size in [int(x) for x in args.sizes.split(",")]:
            for loss in losses:
                for index in range(args.connections):
                    port = 20000 + len(connections)
                    connections[port] = Connection(congestion, size, loss, args.seed * 1000 + index)

    check(libc.setns(near_space, CLONE_NEWNET))
    for port, connection in connections.items():
        sender = socket.socket()
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 23)
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, connection.congestion.encode())
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sender.setblocking(False)
        sender.bind((NEAR, port))
        sender.connect_ex((FAR, 9000))
        connection.sender = sender

    before_all_others()
    heap, lateness, order = [], [], 0
    delay, jitter, period = args.delay / 1000, args.jitter / 1000, args.period / 1000
    receivers = {}
    started, stop_at = None, None
    messages = int(args.seconds / period)

    def carry(tun, peer):
        nonlocal order
        for _ in range(64):
            try:
                packet = os.read(tun, 2048)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4 or packet[9] != 6:
                continue  # IPv6 neighbours and the like
            head = (packet[0] & 15) * 4
            source, target = struct.unpack_from("!HH", packet, head)
            connection = connections[target if source == 9000 else source]
            # Handshakes get through: what is measured begins after them.
            if packet[head + 13] & 2 or connection.fate():
                order += 1
                late = max(0, delay + (connection.random.gauss(0, jitter) if jitter else 0))
                heapq.heappush(heap, (time.monotonic() + late, order, peer, packet))

    while True:
        now = time.monotonic()
        while heap and heap[0][0] <= now:
            due, _, target, packet = heapq.heappop(heap)
            lateness.append(now - due)
            if packet is None:
                target.send()
                if len(target.sent) < messages:
                    order += 1
                    heapq.heappush(heap, (due + period, order, target, None))
            else:
                os.write(target, packet)
        if started is None and len(receivers) == len(connections):
            started = now
            stop_at = now + args.seconds + 60
            lateness.clear()
            for index, connection in enumerate(connections.values()):
                # Spread over a period, so that they do not all want the same moment.
                order += 1
                begin = now + 0.2 + period * index / len(connections)
                heapq.heappush(heap, (begin, order, connection, None))
        if started is not None and (
            now > stop_at or all(len(c.delays) == messages for c in connections.values())
        ):
            break
        timeout = max(0, heap[0][0] - time.monotonic()) if heap else 0.2
        ready, _, _ = select.select([near_tun, far_tun, listener, *receivers], [], [], timeout)
        for item in ready:
            if item == near_tun:
                carry(near_tun, far_tun)
            elif item == far_tun:
                carry(far_tun, near_tun)
            elif item is listener:
                receiver, (_, port) = listener.accept()
                receiver.setblocking(False)
                connections[port].receiver = receiver
                receivers[receiver] = connections[port]
            else:
                receivers[item].receive()

    results = []
    for connection in connections.values():
        info = connection.sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        delays = connection.delays
        results.append(
            {
                "congestion": connection.congestion,
                "bytes": connection.size,
                "lossRatio": connection.loss,
                "seed": connection.seed,
                "messages": len(delays),
                "unfinished": messages - len(delays),
                "p50Ms": round(quantile(delays, 0.5), 2),
                "p95Ms": round(quantile(delays, 0.95), 2),
                "p99Ms": round(quantile(delays, 0.99), 2),
                "meanMs": round(sum(delays) / len(delays), 2),
                "retransmissions": struct.unpack_from("I", info, 100)[0],
                "packets": connection.packets,
                "lost": connection.lost,
            }
        )
    report = {
        "kernel": platform.release(),
        "seconds": args.seconds,
        "delayMs": args.delay,
        "jitterMs": args.jitter,
        "periodMs": args.period,
        "ownLatenessP50Ms": round(quantile(lateness, 0.5) * 1000, 3),
        "ownLatenessP99Ms": round(quantile(lateness, 0.99) * 1000, 3),
        "connections": results,
    }
    text = json.dumps(report, indent=1) + "\n"
    if args.out == "-":
        print(text, end="")
    else:
        with open(args.out, "w") as file:
            file.write(text)


main()
