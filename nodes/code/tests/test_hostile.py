"""Code that wants out, or wants everything: each is refused or bounded, and says so in one sentence."""
# ruff: noqa: E501 - a corpus, read by line

import json
import os
import time
from pathlib import Path

import polars as pl
import pytest
from headrace.sdk import ConfigError, DataError, HeadraceError, parse_config
from headrace.testing.node import FakeContext, installed_engine
from headrace_node_code.configs import CodeConfig
from headrace_node_code.node import Code

SECRET = "hr-secret-7c1f"
TWO = pl.DataFrame({"n": [1, 2]})
LIMITS = {"seconds": 0.5, "total_seconds": 2, "memory_mb": 32, "recursion": 100}
MOST_SECONDS = 40.0
MOST_BYTES = 400 << 20


@pytest.fixture
def ctx(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_TEST_SECRET", SECRET)
    (tmp_path / "secret.txt").write_text(SECRET)
    return FakeContext(installed_engine(), tmp_path, {"limit": 3})


def run(ctx, code, frame=TWO, **config):
    node = Code(parse_config(CodeConfig, {"code": code, **LIMITS, **config}))
    return node.run(ctx, {"in": ctx.engine.adopt(frame.lazy())})["out"].to_native().collect()


def children():
    """Processes of the sandbox below this one."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if rest.split()[1] == str(os.getpid()) and "monty" in name and rest.split()[0] != "Z":
            found.add(stat.parent.name)
    return found


def host_bytes():
    return (
        int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line).split()[1])
        << 10
    )


ESCAPES = [
    # dunder chains
    "return {'n': len(().__class__.__bases__[0].__subclasses__())}",
    "return {'n': len(row.__class__.__mro__)}",
    "return {'n': str(''.__class__.__base__.__subclasses__())}",
    "return {'n': str(transform.__globals__)}",
    "return {'n': str(transform.__code__.co_code)}",
    "return {'n': str(transform.__closure__)}",
    "return {'n': str((lambda: 0).__builtins__)}",
    "return {'n': str(print.__self__)}",
    "return {'n': str(row.get.__self__.__class__.__init__.__globals__)}",
    "return {'n': str(type(row).__subclasses__(type(row)))}",
    "class A: pass\nreturn {'n': str(A().__init__.__globals__)}",
    "class A:\n    def f(self): return 1\nreturn {'n': str(A.f.__globals__)}",
    "class A: pass\nA.__class__ = type\nreturn {'n': str(A.__subclasses__())}",
    "return {'n': str(getattr(row, '__class__').__base__)}",
    "return {'n': str(getattr(getattr(1, '__class__'), '__mro__'))}",
    "return {'n': str(vars(row))}",
    "return {'n': str(dir(row))}",
    # names of the interpreter
    "return {'n': str(globals())}",
    "return {'n': str(__builtins__)}",
    "return {'n': str(__loader__)}",
    "return {'n': str(__spec__.loader)}",
    "return {'n': __import__('os').system('id')}",
    "return {'n': breakpoint()}",
    "return {'n': input()}",
    "return {'n': str(memoryview(b'x').obj)}",
    "return {'n': compile('1', 'x', 'eval').co_code}",
    "return {'n': eval('().__class__.__bases__[0].__subclasses__()')}",
    "exec('import os\\nos.system(\"id\")')\nreturn row",
    "return {'n': eval('__import__(\"os\").environ')}",
    "exec('import subprocess')\nreturn row",
    # format tricks
    "return {'n': '{0.__class__.__mro__}'.format(row)}",
    "return {'n': '{0.__init__.__globals__[secret]}'.format(transform)}",
    "return {'n': '{x.__class__}'.format_map({'x': row})}",
    "return {'n': f'{transform.__globals__}'}",
    # exceptions and frames
    "try:\n    1 / 0\nexcept Exception as e:\n    return {'n': str(e.__traceback__.tb_frame.f_globals)}",
    "try:\n    (1).x\nexcept AttributeError as e:\n    return {'n': str(e.obj.__class__)}",
    "try:\n    nope\nexcept NameError as e:\n    return {'n': str(e.__context__.__traceback__)}",
    "g = (i for i in [1])\nreturn {'n': str(g.gi_frame.f_back)}",
    "async def f(): pass\nreturn {'n': str(f().cr_frame)}",
    "import sys\nreturn {'n': str(sys._getframe(1).f_globals)}",
    "import sys\nreturn {'n': str(sys.modules)}",
    "import sys\nsys.exit(3)",
    "import sys\nsys.stdout.buffer.raw.write(b'x')\nreturn row",
    # the outside
    "return {'n': open('/etc/passwd').read()}",
    "return {'n': open('/proc/1/environ', 'rb').read()}",
    "return {'n': open('/proc/self/environ').read()}",
    "return {'n': open('/dev/zero').read(10)}",
    "return {'n': open('SCRATCH/secret.txt').read()}",
    "open('SCRATCH/made.txt', 'w').write('x')\nreturn row",
    "from pathlib import Path\nreturn {'n': Path('SCRATCH/secret.txt').read_text()}",
    "from pathlib import Path\nreturn {'n': str(list(Path('/').iterdir()))}",
    "from pathlib import Path\nPath('SCRATCH/made.txt').write_text('x')\nreturn row",
    "from pathlib import Path\nreturn {'n': str(Path('/etc/shadow').stat())}",
    "import os\nreturn {'n': os.environ['HEADRACE_TEST_SECRET']}",
    "import os\nreturn {'n': os.getenv('HEADRACE_TEST_SECRET') + ''}",
    "import os\nreturn {'n': os.popen('id').read()}",
    "import os\nreturn {'n': os.fork()}",
    "import os\nos.kill(os.getppid(), 9)\nreturn row",
    "import os\nreturn {'n': str(os.listdir('/'))}",
    "import os\nreturn {'n': os.urandom(8).hex()}",
    "import asyncio\nreturn {'n': str(asyncio.run(asyncio.create_subprocess_exec('id')))}",
    "import asyncio\nreturn {'n': str(asyncio.run(asyncio.open_connection('127.0.0.1', 80)))}",
    "import time\ntime.sleep(3600)\nreturn row",
    "import asyncio\nasyncio.run(asyncio.sleep(3600))\nreturn row",
    *(f"import {name}\nreturn {{'n': 1}}" for name in ("subprocess", "socket", "ctypes", "importlib", "builtins", "pickle", "marshal",
      "threading", "multiprocessing", "inspect", "gc", "signal", "urllib.request", "http.client", "shutil", "polars", "headrace", "pydantic_monty")),
]  # fmt: skip


@pytest.mark.parametrize("code", ESCAPES)
def test_an_escape_is_refused(ctx, code, capfd):
    files = sorted(ctx.scratch.rglob("*"))
    started = time.monotonic()
    try:
        made = run(ctx, code.replace("SCRATCH", str(ctx.scratch)))
        assert made.height == 0, made
        assert [r.row for r in ctx.rejected] == [1, 2]
        reasons = [r.reason for r in ctx.rejected]
    except ConfigError as error:
        reasons = [error.message]
    assert time.monotonic() - started < MOST_SECONDS
    seen = " ".join([*reasons, *ctx.lines, *capfd.readouterr()])
    assert all(len(reason) < 600 and "\n" not in reason.strip() for reason in reasons)
    assert not any(word in seen for word in (SECRET, "root:", "Internal error", "panicked", "/work", "site-packages"))
    assert sorted(ctx.scratch.rglob("*")) == files
    assert children() == set()


EXHAUSTIONS = [
    "while True: pass",
    "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "try:\n    while True: pass\nexcept TimeoutError:\n    return row\nfinally:\n    while True: pass",
    "while True:\n    try:\n        x = 'x' * 10**12\n    except BaseException: pass",
    "try:\n    x = 'x' * 10**12\nexcept BaseException:\n    return row",
    "return {'n': 10 ** 10 ** 8}",
    "return {'n': 1 << 10**12}",
    "return {'n': 'x' * 10**10}",
    "return {'n': [0] * 10**10}",
    "return {'n': list(range(10**12))}",
    "return {'n': sum(range(10**12))}",
    "x = []\nwhile True: x.append('y' * 1_000)",
    "x = {}\ni = 0\nwhile True:\n    i += 1\n    x[i] = i",
    "x = 'x'\nwhile True: x += x",
    "x = [1]\nwhile True: x.extend(x)",
    "return {'n': '%09999999999d' % 1}",
    "return {'n': '{:>9999999999}'.format(1)}",
    "return {'n': f'{1:>9999999999}'}",
    "return {'n': 'x'.center(10**10)}",
    "return {'n': 'x'.ljust(10**10)}",
    "return {'n': ('x' * 10_000).replace('x', 'y' * 100_000)}",
    "return {'n': ('x' * 10_000).join(['y'] * 100_000)}",
    "return {'n': b'x' * 10**11}",
    "return {'n': bytes(10**11)}",
    "import itertools\nreturn {'n': list(itertools.product(range(1000), repeat=5))}",
    "import itertools\nreturn {'n': sum(itertools.count())}",
    "import math\nreturn {'n': math.factorial(10**7)}",
    "import math\nreturn {'n': math.comb(10**8, 5 * 10**7)}",
    "from decimal import Decimal, getcontext\ngetcontext().prec = 10**9\nreturn {'n': str(Decimal(1) / 3)}",
    "from decimal import Decimal\nreturn {'n': int(Decimal('1e999999999'))}",
    "import json\nreturn {'n': json.dumps(['x' * 10**6] * 10**5)}",
    "import hashlib\nreturn {'n': hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9).hex()}",
    "x = [0] * 10\nfor i in range(12): x = [x] * 10\nreturn {'n': x}",
    "x = [0] * 10\nfor i in range(12): x = [x] * 10\nreturn {'n': str(x)}",
    "x = [0] * 10\nfor i in range(12): x = [x] * 10\ny = [0] * 10\nfor i in range(12): y = [y] * 10\nreturn {'n': x == y}",
    "x = 'x' * 10**6\nreturn {'n': [x] * 10**6}",
    "return [{'n': i} for i in range(10**8)]",
    "return [row] * 10**7",
    "import asyncio\nasync def f():\n    while True: await asyncio.gather(*[f() for _ in range(10)])\nasyncio.run(f())",
    "while True: print('flood')",
    "while True: print('flood' * 100_000)",
    "while True: undefined_name_is_asked if False else open",
    "exec('while True: pass')\nreturn row",
    "return {'n': sorted([str(i) for i in range(10**8)])}",
    "class A:\n    def __eq__(self, other):\n        while True: pass\nreturn {'n': A() == 1}",
    "class A:\n    def __repr__(self):\n        return 'x' * 10**11\nraise ValueError(str(A()))",
]  # fmt: skip


def bounded(ctx, code, **config):
    """Execute; the host's time, memory and processes stay within bounds whatever comes."""
    before, started, error, made = host_bytes(), time.monotonic(), None, None
    try:
        made = run(ctx, code, **config)
    except HeadraceError as raised:
        error = raised
    assert time.monotonic() - started < MOST_SECONDS
    assert host_bytes() - before < MOST_BYTES
    assert children() == set()
    return made, error


@pytest.mark.parametrize("code", EXHAUSTIONS)
def test_exhaustion_ends_the_step_with_a_sentence(ctx, code, capfd):
    _, error = bounded(ctx, code)
    assert isinstance(error, DataError), (ctx.rejected, error)
    assert "the code used up its " in error.message or "the code gave more than 32 MB" in error.message
    assert error.details["field"] in {"seconds", "total_seconds", "memory_mb"}
    assert len(ctx.lines) <= 502
    assert sum(map(len, ctx.lines)) < 200_000
    out, err = capfd.readouterr()
    assert out == ""
    assert SECRET not in err


FAILURES = [
    "def f(): return f()\nreturn f()",
    "def f(x): return [f(x)]\nreturn {'n': f(1)}",
    "x = []\nx.append(x)\nreturn {'n': x}",
    "x = []\nfor i in range(100_000): x = [x]\nreturn {'n': x}",
    "x = []\nfor i in range(90): x = [x]\nreturn {'n': x}",
    "return {'n': 7 ** 100_000}",
    "return {'n': str(7 ** 100_000)}",
    "return {'n': int('1' * 10**6)}",
    "raise ValueError('x' * 10**7)",
    "raise KeyboardInterrupt",
    "raise SystemExit('now')",
    "raise BaseException('now')",
    "raise StopIteration",
    "raise RecursionError('mine')",
    "raise TimeoutError('mine')",
    "raise MemoryError('mine')",
    "return {'n' * 10**6: 1}",
    "return {1: 1}",
    "return {(1, 2): 1}",
    "return {}",
    "return 5",
    "return 'row'",
    "return [1, 2]",
    "return [[row]]",
    "return transform",
    "import json\nreturn {'n': json.loads('[' * 100_000)}",
    "return {'n': eval('(' * 5_000 + ')' * 5_000)}",
    "exec('-' * 100_000 + '1')\nreturn row",
    "import re\nre.match(r'(a+)+\\1$', 'a' * 40 + 'b')\nraise ValueError('bounded')",
    "import re\nre.match('(a+)+$', 'a' * 60 + 'b')\nre.match('(a|a?)+$', 'a' * 60 + 'b')\nre.match('(.*a){25}$', 'a' * 60 + 'b')\nraise ValueError('bounded')",
    "import re\nre.compile('(' * 10_000)",
    "import re\nre.compile('a{1,1000}{1,1000}{1,1000}')\nraise ValueError('bounded')",
]  # fmt: skip


@pytest.mark.parametrize("code", FAILURES)
def test_a_failure_is_a_rejected_row_and_the_next_row_goes_on(ctx, code):
    guarded = "\n".join(f"    {line}" for line in code.split("\n"))
    made, error = bounded(
        ctx, f"if row['n'] == 1:\n{guarded}\nreturn row", seconds=2, columns=[{"name": "n", "type": "integer"}]
    )
    assert error is None
    assert made["n"].to_list() == [2]
    (reject,) = ctx.rejected
    assert reject.row == 1
    assert 0 < len(reject.reason) < 700
    assert json.loads(reject.data) == {"n": 1}


TRICKS = [
    "global _hr_run\n_hr_run = lambda *a: [{'n': 1}] * 2\nraise ValueError('x')",
    "_hr_done.clear()\nraise ValueError('x')",
    "_hr_done.extend([row] * 5)\nraise ValueError('x')",
    "_hr_rows.extend([row] * 1_000)\nreturn row",
    "_hr_rows.clear()\nreturn row",
    "global _hr_done\n_hr_done = 5\nraise ValueError('x')",
    "global _hr_done\n_hr_done = ['x' * 10**6] * 10**7\nreturn row",
    "global _hr_copy\nx = [0] * 10\nfor i in range(12): x = [x] * 10\n_hr_done.append({'n': x})\nraise ValueError('x')",
    "global _hr_plain\n_hr_plain.add(type(transform))\nreturn {'n': transform}",
]  # fmt: skip


@pytest.mark.parametrize("code", TRICKS)
def test_our_part_in_the_sandbox_protects_nothing_the_host_relies_on(ctx, code):
    made, error = bounded(ctx, code)
    if error is None:
        assert made.height + len(ctx.rejected) == 2
    else:
        assert "_hr_" in error.message or "used up" in error.message or "gave more than" in error.message


LAUGHS = "x = [0] * 10\nfor i in range(12): x = [x] * 10\n"


@pytest.mark.parametrize(
    "code",
    [
        "global _hr_copy\n_hr_copy = lambda value: value\n" + LAUGHS + "return {'n': x}",
        "global _hr_copy\n_hr_copy = lambda value: value\nx = 'x' * 10**6\nreturn {'n': [x] * 10**6}",
        "global _hr_copy\n_hr_copy = lambda value: value\nx = [1] * 10**6\nreturn {str(i): x for i in range(10**4)}",
        "global _hr_copy\n_hr_copy = lambda value: value\nx = []\nx.append(x)\nreturn {'n': x}",
        "global _hr_copy\n_hr_copy = lambda value: value\nx = []\nx.append(x)\nreturn {'n': [1], 'o': [x]}",
        "global _hr_copy\n_hr_copy = lambda value: value\n" + LAUGHS + "return {'n': [1], 'o': [x]}",
        "return {'n': [1] * 10**7}",
        "while True: pass",
    ],
)
def test_columns_mode_is_bounded_too(ctx, code):
    made, error = bounded(ctx, code, mode="columns")
    assert error is not None or made.height + len(ctx.rejected) < 10


def test_more_than_sixty_attempts():
    assert len({*ESCAPES, *EXHAUSTIONS, *FAILURES, *TRICKS}) >= 160


def test_every_failing_row_costs_little(ctx):
    frame = pl.DataFrame({"n": range(1_500)})
    run(ctx, "return nope", frame, total_seconds=60)
    assert len(ctx.rejected) == 1_500
    assert {r.reason for r in ctx.rejected} == {"NameError: name 'nope' is not defined (line 1 of the code)"}


def test_rows_cannot_change_each_other_or_what_is_reported(ctx):
    code = "if row['n'] == 1:\n    row.clear()\n    row['n'] = 'changed'\n    for other in _hr_rows: other['n'] = 99\n    raise ValueError('x')\nreturn row"
    run(ctx, code)
    assert json.loads(ctx.rejected[0].data) == {"n": 1}


def test_nothing_stays_for_the_next_step(ctx):
    run(ctx, "kept = 'old'\ndef transform(row):\n    global kept\n    kept = 'new'\n    return row")
    made = run(ctx, "try:\n    return {'x': kept}\nexcept NameError:\n    return {'x': 'nothing'}")
    assert made["x"].to_list() == ["nothing", "nothing"]


def test_a_flood_of_prints_is_cut_and_counted(ctx):
    made = run(ctx, "for i in range(2_000): print(i)\nreturn row", seconds=5)
    assert made.height == 2
    assert len(ctx.lines) == 501
    assert ctx.lines[-1] == "warning 3500 more printed lines were not kept"
    ctx.lines.clear()
    run(ctx, "print('x' * 1_000_000)\nreturn row", seconds=5)
    assert all(len(line) < 2_100 for line in ctx.lines)
