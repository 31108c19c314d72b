#!/usr/bin/env python3
"""Do the tests notice? Each tests/mutants/**/*.patch puts one known kind of bug into one file of hv/ (README.md tells
the format). The file is compiled anew, linked in the place of the sound one with each piece of evidence in turn, and
the mutant is caught when a program that passes on the sound tree fails on it. First every program is run on the
sound tree; one that fails there is no evidence, and the whole run fails.

Evidence, in order: the state-aware engine; the interleaver; the directed hosted tests of the folder and of
hypercalls. A patch's `by:` line names what to try first. All of it ends after --seconds of CPU time for a mutant.

    run.py [--seconds 60] [--jobs 2] [--sample N --seed S] [--only KIND] [--json FILE] [NAME...]        O=build
"""
import argparse, concurrent.futures, glob, json, os, random, re, shutil, signal, subprocess, sys, tempfile, time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
O = os.environ.get("O", "build")
KINDS = ("fuzz", "interleave", "unit")
# A share of a mutant's seconds for each kind, so that a survivor of one still meets the next.
SHARE = {"fuzz": 0.4, "interleave": 0.4, "unit": 1.0}
RUNS = 60       # of the engine, of a thousand operations each, in a second of CPU
PATIENCE = 6    # seconds on the wall for one of CPU, on a busy machine
# Whose hosted tests reach a folder of hv/ that has none, or more than its own.
FOLDERS = {"mem": ("mem", "grant", "pv", "call"), "grant": ("grant", "call"), "event": ("event", "call"), "dom": ("dom", "call"),
           "pv": ("pv", "call"), "irq": ("irq", "call"), "call": ("call", "grant"), "core": ("core", "dom", "call"), "base": ("base",)}
# Classes whose evidence is a directed test first: what operations of the engine seldom or never touch.
DIRECTED = ("entry and exit", "#DB", "state leaks", "log and console floods")
# What a failing program says: a statement of the oracle, the model's word, a panic, a failed check, a sanitizer.
SAID = [re.compile(p) for p in (
    r"\bI[0-9]+: .*", r"\b(?:model|limits|world|race): .*", r"panic: .*|assertion.*", r"[A-Za-z]*Sanitizer: .*|runtime error: .*",
    r"tests/unit/[^:]*:\d+:[EF]:.*", r"violation: .*", r"not ok.*|FAIL.*")]


class Mutant:
    def __init__(self, path):
        self.path, self.name = path, os.path.relpath(path, ROOT + "/tests/mutants")[:-len(".patch")]
        self.head = {"class": [], "bug": [], "unreachable": [], "by": []}
        with open(path) as f:
            text = f.read()
        for line in text.split("\n--- ")[0].splitlines():
            key, _, rest = line.partition(":")
            if key not in self.head:
                sys.exit(f"{path}: unknown header line: {line}")
            self.head[key].append(rest.strip())
        self.files = re.findall(r"^\+\+\+ b/(\S+)", text, re.M)
        if not self.files or not self.head["class"] or not self.head["bug"]:
            sys.exit(f"{path}: class, bug or file missing")
        self.row = re.sub(r"\s*\(.*", "", self.head["class"][0])
        self.reachable = not self.head["unreachable"]
        first = "limits" if self.row == "unbounded work" else "unit" if self.row.startswith(DIRECTED) else ""
        by = (self.head["by"] or [first])[0]
        self.by, _, self.pair = by.partition(": ")


class Program:
    """One piece of evidence: its own sources, how to run it, and where it stands, linked with the sound tree."""
    def __init__(self, name, kind, build, sources, sound, args):
        self.name, self.kind, self.build, self.sources, self.sound, self.args = name, kind, build, sources, sound, args
        self.seconds = 0.0      # on the sound tree

    def run(self, path, limit):
        """(failed, what it said, seconds of CPU). The engine's runs follow from their seeds: what the same seed finds on
        the sound tree as well is passed over."""
        seed, spent = 1, 0.0
        while True:
            with tempfile.TemporaryDirectory() as where:
                put = {"@RUNS@": str(int(max(1, limit - spent) * RUNS)), "@WHERE@": where, "@SEED@": str(seed)}
                failed, text, cpu = self.run_at([path] + [put.get(a, a) for a in self.args], limit - spent)
                spent += cpu
                found = self.kind == "fuzz" and path != self.sound and re.search(r"violation: seed (\d+)", text)
                if not found or not self.run_at([self.sound, "--one-seed", found[1], "--no-shrink", "--out", where], 60)[0]:
                    return failed, said(text) if text else "hangs", spent
            seed = int(found[1]) + 1
            if spent > limit - 1:
                return False, "", spent

    def run_at(self, args, limit):
        """(failed, output; empty: it hung, seconds of CPU). Others may have the CPUs: the clock on the wall has patience."""
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", RANDOM_SECONDS="5")
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(args, stdout=out, stderr=subprocess.STDOUT, env=env, start_new_session=True)
            end = time.monotonic() + PATIENCE * limit + 10
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > end:
                    os.killpg(process.pid, signal.SIGKILL)
                    os.wait4(process.pid, 0)
                    return self.kind == "fuzz" or limit > 5 * self.seconds + 2, "", limit
                time.sleep(0.05)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read().decode(errors="replace")
        return process.returncode != 0, text or "fails without a word", usage.ru_utime + usage.ru_stime


def said(text):
    for pattern in SAID:
        found = pattern.search(text)
        if found:
            return found.group(0).strip()[:150]
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:150]


class Build:
    """A set of objects of the hosted build with its options: optimised for the engine, sanitized for the tests."""
    def __init__(self, flags, compiler, objects, libs):
        drop = re.compile(r"-(MMD|MP|W.*|ffile-prefix-map=.*)$")
        self.flags = [f for f in flags.split() if not drop.match(f)] + ["-w"]
        self.compiler, self.objects, self.libs = compiler, objects, libs.split()

    def users(self, header):
        """Sources of hv/ that include @header, from the compiler's own notes."""
        for note in glob.glob(f"{self.objects}/hv/**/*.d", recursive=True):
            with open(note) as f:
                words = f.read().replace("\\\n", " ").split()
            if header in words:
                yield words[1]

    def mutated(self, mutant, where):
        """Objects of the files that @mutant changes, which lie patched under @where."""
        out = []
        for file in mutant.files:
            for source in [file] if file.endswith(".c") else sorted(set(self.users(file))):
                path = f"{where}/{source}" if source in mutant.files else source
                out.append(f"{where}/{len(out)}.{id(self)}.o")
                run([self.compiler, f"-I{where}", *self.flags, "-c", path, "-o", out[-1]])
        return out

    def link(self, mutated, program, path):
        """In the place of those that the sound program has; of a header's users it may not have all."""
        if len(mutated) > 1:
            has = globals_of(program.sound)
            mutated = [o for o in mutated if globals_of(o) & has]
        run([self.compiler, *self.flags, "-o", path, *[f"{self.objects}/{c}.o" for c in program.sources], *mutated,
             f"{self.objects}/libhv.a", *self.libs])


def globals_of(path):
    return {line.split()[-1] for line in run(["nm", "-g", "--defined-only", path]).splitlines() if line}


def run(args):
    done = subprocess.run(args, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(args)}\n{done.stdout}")
    return done.stdout


def make(*what):
    """As if from a shell: no jobs of a make that may have called us."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-s", "--no-print-directory", f"O={O}", *what], env=env, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"make {' '.join(what)} failed")
    return done.stdout


def value(name, *more):
    return make(*more, f"print-{name}").strip()


def programs(engine_args, only):
    """Everything there is, built: the engine and the interleaver optimised, the rest with the sanitizers."""
    make("mutants-fast" if only in ("fuzz", "interleave") else "mutants-programs")
    libs = run(["pkg-config", "--libs", "check"]) + " " + value("host-libs")
    unit = Build(value("host-flags"), value("CC"), f"{O}/host", libs)
    fast = Build(value("host-flags", "instrument=" + value("fuzz-fast")), value("CC"), f"{O}/fast/host", libs)
    sources = value("fuzz-src").split()
    out = [Program("fuzz", "fuzz", fast, sources, f"{O}/fast/host/fuzz",
                   ["--runs", "@RUNS@", "--seed", "@SEED@", "--jobs", "1", "--no-shrink", "--out", "@WHERE@", *engine_args])]
    for test in sorted(glob.glob("tests/unit/*/*_test.c")):
        folder = os.path.dirname(test)
        name = os.path.relpath(test, "tests/unit")[:-len("_test.c")]
        sources = [test] + [c for c in glob.glob(folder + "/*.c") if not c.endswith("_test.c")]
        if name == "interleave/interleave":
            out.insert(1, Program(name, "interleave", fast, sources, f"{O}/fast/host/unit/{name}_test", []))
        elif os.path.basename(folder) in {f for names in FOLDERS.values() for f in names}:
            out.append(Program(name, "unit", unit, sources, f"{O}/host/unit/{name}_test", []))
    return out


def matching(mutant, all_programs, only):
    """Evidence for @mutant in its order."""
    folders = FOLDERS.get(mutant.files[0].split("/")[1], ("call",))
    def rank(p):
        folder = p.name.split("/")[0]
        slow = any(w in p.name for w in ("random", "threads", "hostile"))
        return (not mutant.by or (mutant.by not in p.name and mutant.by != p.kind), KINDS.index(p.kind), slow, folders.index(folder) if folder in folders else 0)
    fit = [p for p in all_programs if (not only or p.kind == only) and (p.kind != "unit" or p.name.split("/")[0] in folders)]
    fit.sort(key=rank)
    if mutant.pair and fit and fit[0].kind == "interleave":     # every schedule of that pair
        of = fit[0]
        fit.insert(0, Program(of.name, of.kind, of.build, of.sources, of.sound, [mutant.pair]))
    return fit


def judge(mutant, evidence, seconds):
    """{'caught': program or None, 'said', 'seconds'}"""
    linked = {}
    with tempfile.TemporaryDirectory() as where:
        for file in mutant.files:
            os.makedirs(os.path.dirname(f"{where}/{file}"), exist_ok=True)
            shutil.copy(f"{ROOT}/{file}", f"{where}/{file}")
        try:
            run(["patch", "-s", "-f", "-p1", "-d", where, "-i", mutant.path])
            spent = dict.fromkeys(KINDS, 0.0)
            for p in evidence:
                if p.build not in linked:
                    linked[p.build] = p.build.mutated(mutant, where)
                path = f"{where}/program"
                p.build.link(linked[p.build], p, path)
                left = min(seconds - sum(spent.values()), SHARE[p.kind] * seconds - spent[p.kind])
                if left < 1:
                    continue
                failed, text, cpu = p.run(path, left)
                spent[p.kind] += cpu
                if failed:
                    return {"caught": p.name, "kind": p.kind, "said": text, "seconds": cpu}
        except (RuntimeError, subprocess.SubprocessError) as e:
            return {"caught": None, "kind": "broken", "said": str(e), "seconds": 0}
    return {"caught": None, "kind": "missed", "said": "", "seconds": sum(spent.values())}


def check_sound(all_programs, jobs):
    """Run everything on the sound tree; the names of what fails there."""
    def one(p):
        failed, text, p.seconds = p.run(p.sound, 10 if p.kind == "fuzz" else 120)
        if failed:
            print(f"UNSOUND {p.name}: {text}", flush=True)
        return failed
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return [p.name for p, failed in zip(all_programs, pool.map(one, all_programs)) if failed]


def table(results):
    rows = {}
    for m, r in results:
        row = rows.setdefault(m.row, dict.fromkeys(("all", *KINDS, "missed"), 0))
        row["all"] += 1
        row[r["kind"] if r["kind"] in KINDS else "missed"] += 1
    print(f"\n{'class':<52}{'mutants':>8}{'engine':>8}{'interl.':>8}{'tests':>7}{'missed':>8}")
    for name in sorted(rows):
        print(f"{name:<52}" + "".join(f"{rows[name][k]:>{w}}" for k, w in zip(("all", *KINDS, "missed"), (8, 8, 8, 7, 8))))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=float, default=60)
    a.add_argument("--jobs", type=int, default=2)
    a.add_argument("--sample", type=int)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--only", choices=KINDS)
    a.add_argument("--no-model", action="store_true", help="the engine without its reference model")
    a.add_argument("--json")
    a.add_argument("names", nargs="*")
    a = a.parse_args()
    os.chdir(ROOT)
    start = time.monotonic()
    mutants = [Mutant(p) for p in sorted(glob.glob(f"{ROOT}/tests/mutants/**/*.patch", recursive=True))]
    if a.names:
        mutants = [m for m in mutants if m.name in a.names or os.path.basename(m.name) in a.names]
    counted = [m for m in mutants if m.reachable]
    if a.sample:        # of those that nothing else should be needed for
        counted = random.Random(a.seed).sample([m for m in counted if not a.only or (m.by in ("", a.only) and "race" not in m.name)], a.sample)
    all_programs = [p for p in programs(["--no-model"] if a.no_model else [], a.only) if not a.only or p.kind == a.only]
    needed = {p.name for m in counted for p in matching(m, all_programs, a.only)}
    all_programs = [p for p in all_programs if p.name in needed]
    unsound = check_sound(all_programs, a.jobs)
    usable = [p for p in all_programs if p.name not in unsound or p.kind == "fuzz"]     # judged by the seed

    def one(m):
        r = judge(m, matching(m, usable, a.only), a.seconds)
        word = "caught" if r["caught"] else r["kind"].upper()
        print(f"{word:<7}{r['seconds']:6.1f} s  {r['caught'] or '':<18} {m.name}: {r['said'] or m.head['bug'][0]}", flush=True)
        return m, r
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        results = list(pool.map(one, counted))
    for m in mutants:
        if not m.reachable:
            print(f"not counted {m.name}: {' '.join(m.head['unreachable'])}")
    table(results)
    if a.json:
        with open(a.json, "w") as f:
            json.dump([{"name": m.name, "class": m.row, **r} for m, r in results], f, indent=1)
    caught = sum(bool(r["caught"]) for _, r in results)
    for kind in KINDS:
        print(f"{sum(r['kind'] == kind for _, r in results)} by {kind}", end=", ")
    print(f"{time.monotonic() - start:.0f} s")
    print(f"{caught} of {len(results)} mutants caught")
    return 0 if results and caught == len(results) and not unsound else 1


sys.exit(main())
