"""The scheduler's part of `make bench`: shares of CPU time by weight and cap, and latency of wake-ups.

Four guests, each with two virtual CPUs that never rest, share what dom0 and a fifth guest leave: these two
sleep nearly always, have the default weight, and take so little that it is theirs whenever they ask. What a
guest ought to get is the smaller of its cap and its weight's part, and what a cap frees goes to the others by
weight. What it got is the CPU time that `bothy list --json` tells, at the start and the end, and about every
second between: a share that holds on the average only is a bad one. The fifth guest measures how late its
process wakes up (latency.c), on the idle machine and then among the others.

Shares are measured on two CPUs too, where they have to hold over both. That machine is not in deterministic
mode, in which the emulator would run the first CPU up to the next timer of all, and the second hardly ever; so
its latencies would be the host's, and are not measured.
"""
import json
import re

from machine import Failure, Machine

SECONDS = 30
# name: weight, cap in percent of one CPU
BUSY = {"light": (128, 0), "middle": (256, 0), "heavy": (512, 0), "capped": (512, 25)}
SLEEPER = "sleeper"
GUEST_PROMPT = "guest# "
BAR = 2                                             # percent of all CPUs for each character


def create(machine, name, settings):
    """Create a guest and wait until it is up."""
    machine.check(f"bothy create -q /guests/bench.cfg name={name} disk=[] vif=[] {settings}", 600)
    machine.send(f"bothy console {name}\n")
    machine.expect("guest-ready", 900, f"{name} is up")
    machine.console_leave()


def latency(machine):
    """How late the sleeper's process wakes up, in us: [median, 99th of a hundred, greatest]."""
    machine.send(f"bothy console {SLEEPER}\n\n")
    machine.expect("^" + re.escape(GUEST_PROMPT), 300, f"shell of {SLEEPER}")
    found = re.search(r"median (\d+) p99 (\d+) max (\d+)", machine.check("latency", 900, GUEST_PROMPT))
    machine.console_leave()
    if not found:
        raise Failure("latency: no figures")
    return [int(us) for us in found.groups()]


def sample(machine):
    """One sample a second: [(the machine's time in s, {name: CPU time in s})]."""
    line = "echo $(grep -m1 now /proc/timer_list) $(bothy list --json)"
    machine.check(f"for i in $(seq 0 {SECONDS}); do {line}; sleep 1; done >/tmp/samples", 900)
    samples = []
    for line in machine.check("cat /tmp/samples", 300).splitlines():
        found = re.match(r"now at (\d+) nsecs (.*)", line)
        samples.append((int(found[1]) / 1e9,
                        {d["name"]: d["cpu_time_seconds"] for d in json.loads(found[2])["domains"]}))
    return samples


def used(first, last):
    """Percent of one CPU that each domain got between two samples."""
    elapsed = last[0] - first[0]
    return {name: 100 * (last[1][name] - first[1][name]) / elapsed for name in first[1]}


def wanted(left):
    """Percent of one CPU that each busy guest ought to have if there is as much @left for them all."""
    free, share = dict(BUSY), {}
    while True:
        weights = sum(weight for weight, _ in free.values())
        over = [name for name, (weight, cap) in free.items() if 0 < cap < left * weight / weights]
        if not over:
            return share | {name: left * weight / weights for name, (weight, _) in free.items()}
        for name in over:
            share[name] = free.pop(name)[1]
            left -= share[name]


def measure(cpus, deterministic):
    """Return samples of the busy guests, and the latencies on the idle machine and among them: in deterministic
    mode only."""
    with Machine(f"bench-sched-{cpus}", smp=cpus, icount=deterministic) as machine:
        machine.wait_prompt(900)
        create(machine, SLEEPER, "")
        idle = latency(machine) if deterministic else None
        for name, (weight, cap) in BUSY.items():
            create(machine, name,
                   f"vcpus=2 cpu_weight={weight} cap={cap} \"extra='console=hvc0 quiet job=busy'\"")
            machine.check(f"bothy pause {name}")    # or it would slow the others' start
        machine.check("; ".join(f"bothy unpause {name}" for name in BUSY))
        return sample(machine), idle, latency(machine) if deterministic else None


def print_shares(cpus, samples):
    got = used(samples[0], samples[-1])
    seconds = [used(a, b) for a, b in zip(samples, samples[1:])]
    others = {name: percent for name, percent in got.items() if name not in BUSY}
    want = wanted(100 * cpus - sum(others.values()))
    print(f"  {'guest':<8}{'weight':>8}{'cap':>6}{'wanted':>9}{'got':>9}{'error':>8}  in any second")
    for name, (weight, cap) in BUSY.items():
        each = [second[name] for second in seconds]
        print(f"  {name:<8}{weight:>8}{cap or '-':>6}{want[name]:>9.2f}{got[name]:>9.2f}"
              f"{100 * (got[name] / want[name] - 1):>+7.1f}%  {min(each):6.1f} to {max(each):5.1f}  "
              + "#" * round(got[name] / cpus / BAR))
    print("  beside them: " + ", ".join(f"{name} {percent:.2f}" for name, percent in others.items()))


def print_latency(idle, busy):
    print("Wake-up of a process in a guest that sleeps 10 ms each time (the same machine): late by, us")
    print(f"  {'':<36}{'median':>14}{'99%':>14}{'greatest':>14}")
    for what, figures in ("on the idle machine", idle), (f"among {2 * len(BUSY)} busy virtual CPUs", busy):
        print(f"  {what:<36}" + "".join(f"{us:>14,}" for us in figures))


def main():
    for cpus, deterministic, where in (2, False, "2 CPUs"), (1, True, "1 CPU, deterministic mode"):
        samples, idle, busy = measure(cpus, deterministic)
        print(f"Scheduler ({where}): percent of one CPU, over {samples[-1][0] - samples[0][0]:.0f} s")
        print_shares(cpus, samples)
        if deterministic:
            print_latency(idle, busy)
