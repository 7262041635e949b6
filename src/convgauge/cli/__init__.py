"""The command line: ``convgauge list | check | bench | report | compare | merge | reproduce | selftest``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convgauge import __version__
from convgauge.cli.usage import USAGE_ERROR, Parser, UsageError, positive
from convgauge.request import BenchRequest, CheckRequest, RequestError, Verbosity, split_list
from convgauge.text import escape_controls

if TYPE_CHECKING:
    from rich.console import Console

    from convgauge.cluster import ClusterError

INTERNAL_ERROR = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    The exit status is pytest's: 0 conformant, 1 not, 2 interrupted, 3 internal error, 4 usage, 5 nothing executed.
    """
    parser = _parser()
    try:
        options = _parsed(parser, list(sys.argv[1:] if arguments is None else arguments))
        if not hasattr(options, "run"):
            parser.print_help()
            return USAGE_ERROR
        run: Callable[[Any], int] = options.run
        with _terminable():
            return run(options)
    except KeyboardInterrupt:
        return 2
    except UsageError as error:
        print(f"convgauge: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        return 1


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM interrupt as Ctrl-C does, so that what is known is kept and children are ended."""
    if threading.current_thread() is not threading.main_thread():  # signals are another's affair
        yield
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parsed(parser: Parser, words: list[str]) -> Any:
    """The options, with a project's own defaults before those that were typed."""
    from convgauge.cli.configuration import configured

    command = words[0] if words else ""
    asks = {"-h", "--help"} & set(words)
    defaults, targets = ([], []) if asks else configured(parser, command, Path.cwd())
    options = parser.parse_args([*words[:1], *defaults, *words[1:]])
    if getattr(options, "target", None) == []:
        options.target = targets
        if not targets:
            raise UsageError(
                f"{command} what? Name a registered implementation, path/file.py:function or module:function,"
                " or set targets under [tool.convgauge] in pyproject.toml; `convgauge list` shows what is registered"
            )
    return options


def _parser() -> Parser:
    parser = Parser(
        "convgauge",
        description="Prove a 2-D convolution right, then time it.",
        examples=[
            "convgauge check torch_conv2d --tier quick",
            "convgauge check my_kernel.py:conv2d --framework numpy",
            "convgauge bench torch_conv2d my_kernel.py:conv2d --layers resnet50",
        ],
    )
    parser.add_argument("--version", action="version", version=f"convgauge {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for add in (
        _add_list, _add_check, _add_bench, _add_report, _add_compare, _add_merge, _add_reproduce, _add_selftest,
        _add_completion,
    ):  # fmt: skip
        add(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[Any], int], help: str, *examples: str) -> Parser:
    described = help[:1].upper() + help[1:] + "."
    parser: Parser = commands.add_parser(name, help=help, description=described, examples=examples)
    parser.set_defaults(run=run)
    return parser


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, to stdout")


# --- list ------------------------------------------------------------------------------------------------------------


def _add_list(commands: Any) -> None:
    parser = _command(
        commands, "list", _list, "what there is: implementations, specs, profiles, layer sets, frameworks",
        "convgauge list", "convgauge list --specs", "convgauge list --json",
    )  # fmt: skip
    parser.add_argument("--specs", action="store_true", help="every spec with its sentence")
    _json(parser)


def _list(options: Any) -> int:
    from convgauge.cli import listing

    if not options.json:
        return listing.show(specs=options.specs)
    from convgauge.cli.json_output import encode

    print(encode(listing.table()))
    return 0


# --- check -----------------------------------------------------------------------------------------------------------


def _add_check(commands: Any) -> None:
    parser = _command(
        commands, "check", _check, "judge implementations against the specification",
        "convgauge check torch_conv2d --tier quick",
        "convgauge check my_kernel.py:conv2d --framework numpy -k 'padding or stride' -x",
        "convgauge check my_package.kernels:conv2d --profile training --output run.jsonl",
        "convgauge check builtin --cluster tcp://10.0.0.1:8786 --output run.jsonl",
        "convgauge check --json | jq .verdicts    # targets from [tool.convgauge] in pyproject.toml",
    )  # fmt: skip
    _targets(parser)
    parser.add_argument("--profile", default="functional", help="kernel, functional (default), training or torch")
    parser.add_argument("--tier", default="standard", help="quick, standard (default) or exhaustive")
    parser.add_argument("--dtype", default="", help="comma-separated, e.g. float32,float64; all by default")
    parser.add_argument("--device", default="", help="comma-separated, e.g. cpu,cuda:0; every one present by default")
    parser.add_argument("--expect", default="", metavar="FILE", help="TOML file of expected failures")
    parser.add_argument("--python", default="", metavar="PATH", help="the Python that runs the implementation")
    parser.add_argument("--resume", default="", metavar="RUN.jsonl", help="go on with a run that was interrupted")
    parser.add_argument("--shard", default="", metavar="K/N", help="the Kth of N parts, for `merge` to put together")
    parser.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="specs judged at once (one a core, four at most)"
    )
    _label(parser)
    _cluster(parser, "share the parts of the run out to the workers of this Dask scheduler")
    parser.add_argument("-k", default="", metavar="EXPR", help="only specs whose test matches, as in pytest")
    parser.add_argument("-x", action="store_true", help="stop at the first spec that fails")
    parser.add_argument("-q", "--quiet", action="store_true", help="verdicts alone")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every spec")
    _json(parser)
    _running(parser)


def _targets(parser: Parser) -> None:
    parser.add_argument(
        "target", nargs="*", metavar="TARGET", help="registered name, package.module:function or path/file.py:function;"
        " 'builtin' stands for all that are shipped",
    )  # fmt: skip
    parser.add_argument("--framework", default="", help="arrays that a plain function wants: numpy, torch or jax")


def _label(parser: Parser) -> None:
    parser.add_argument("--label", default="", metavar="NAME", help="what reports call this environment")


def _cluster(parser: Parser, help: str) -> None:
    parser.add_argument("--cluster", default="", metavar="ADDRESS", help=f"{help}, e.g. tcp://10.0.0.1:8786")


def _running(parser: Parser) -> None:
    parser.add_argument("--timeout", type=positive, default=20.0, metavar="S", help="seconds for one call (20)")
    parser.add_argument("--memory", type=int, default=0, metavar="MIB", help="address space of the implementation")
    parser.add_argument("--seed", type=int, default=0, help="seed of all operands (0)")
    parser.add_argument("--no-isolation", action="store_true", help="call in this process, for debuggers")
    parser.add_argument("--output", default="", metavar="RUN.jsonl", help="write the run here")


def _check(options: Any) -> int:
    judge = _check_on_cluster if options.cluster else _check_here
    kept = options.resume or options.output
    if not options.json:
        status = judge(options)
        if kept and status in (0, 1):
            print(f"kept in {kept}; its pages: convgauge report {kept}")
        return status
    from convgauge import results
    from convgauge.cli import json_output

    with _kept(options):
        with contextlib.redirect_stdout(sys.stderr):
            status = judge(options)
        try:
            run = results.read(Path(options.resume or options.output))
        except (results.DamagedFileError, OSError):
            return status  # pytest has said why there is no run
    print(json_output.encode(json_output.check(run, status)))
    return status


@contextlib.contextmanager
def _kept(options: Any) -> Iterator[None]:
    """The run in a file, for the summary to be read from, where none was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        if not getattr(options, "resume", "") and not options.output:
            options.output = str(Path(folder) / "run.jsonl")
        yield


def _check_here(options: Any) -> int:
    from convgauge.conformance.run import check

    return check(_check_request(options), _verbosity(options))


def _check_request(options: Any) -> CheckRequest:
    return _request(
        options,
        profile=options.profile,
        tier=options.tier,
        dtypes=split_list(options.dtype),
        devices=split_list(options.device),
        expect=options.expect,
        resume=options.resume,
        shard=options.shard,
        jobs=options.jobs,
        label=options.label,
        output=options.output,
        keyword=options.k,
        exit_first=options.x,
    )


def _request(options: Any, **values: Any) -> CheckRequest:
    """The request of ``values`` and the options shared by `check` and `reproduce`. Raises `UsageError`."""
    try:
        return CheckRequest(
            targets=tuple(options.target),
            framework=options.framework,
            python=options.python,
            timeout_s=options.timeout,
            memory_mib=options.memory,
            seed=options.seed,
            isolation=not options.no_isolation,
            **values,
        )
    except RequestError as error:
        raise UsageError(str(error)) from None


def _verbosity(options: Any) -> Verbosity:
    """Return the amount of text that -q and -v ask for."""
    return Verbosity.VERDICTS if options.quiet else Verbosity.EVERY_SPEC if options.verbose else Verbosity.FAULTS


def _check_on_cluster(options: Any) -> int:
    from rich.console import Console

    from convgauge.cluster import ClusterError
    from convgauge.cluster.check import check

    with _kept(options):
        try:
            return check(options.cluster, _check_request(options), Console(), _verbosity(options))
        except RequestError as error:
            raise UsageError(str(error)) from None
        except ClusterError as error:
            return _broke_off(error)
        except OSError as error:
            raise UsageError(f"the run cannot be written to {error.filename}: {error.strerror}") from None


def _broke_off(error: ClusterError) -> int:
    """The exit status of what a cluster did not do, which is said. Raises `UsageError` where nothing was begun."""
    if error.status == USAGE_ERROR:
        raise UsageError(str(error)) from None
    print(f"convgauge: {error}", file=sys.stderr)
    return error.status


# --- bench -----------------------------------------------------------------------------------------------------------


def _add_bench(commands: Any) -> None:
    parser = _command(
        commands, "bench", _bench, "race implementations over real networks' layers",
        "convgauge bench my_kernel.py:conv2d --framework numpy",
        "convgauge bench torch_conv2d my_kernel.py:conv2d --layers mobilenet_v2 --budget 120 --output race.jsonl",
        "convgauge bench numpy_im2col --baseline numpy_windows --layers smoke",
        "convgauge bench auto --explain --layers mobilenet_v2",
    )  # fmt: skip
    _targets(parser)
    parser.add_argument("--baseline", default="torch_conv2d", metavar="NAME", help="what ratios are relative to")
    parser.add_argument(
        "--layers", default="resnet50", help="layer set, file, problem, sweep:AXIS or model.py:function (resnet50)"
    )
    parser.add_argument("--budget", type=float, default=None, metavar="S", help="seconds for the whole race")
    parser.add_argument("--threads", default="1", metavar="N[,N]", help="threads of every engine (1)")
    parser.add_argument("--operands", default="hot", choices=["hot", "cold"], help="in the cache or rotated past it")
    parser.add_argument("--explain", action="store_true", help="have `auto` say what it chose for each layer, and why")
    parser.add_argument("--seed", type=int, default=0, help="seed of operands and schedule (0)")
    _label(parser)
    _cluster(parser, "race on the workers of this Dask scheduler, one race at a time on each")
    parser.add_argument("--output", default="", metavar="RUN.jsonl", help="write the run here")
    parser.add_argument("-q", "--quiet", action="store_true", help="no tables: the run and the exit status tell")
    _json(parser)


def _bench(options: Any) -> int:
    if not options.json:
        return _raced(options)
    if options.cluster:
        raise UsageError("--json is for one machine: several kinds of them have several runs, see --output")
    from convgauge import results
    from convgauge.cli import json_output

    with _kept(options):
        with contextlib.redirect_stdout(sys.stderr):
            status = _raced(options)
        print(json_output.encode(json_output.bench(results.read(Path(options.output)), status)))
    return status


def _raced(options: Any) -> int:
    from rich.console import Console

    from convgauge import race, results
    from convgauge.registry import TargetError

    console = Console(quiet=options.quiet)
    try:
        if options.cluster:
            return _bench_on_cluster(options, _bench_request(options), console)
        return race.bench(_bench_request(options), console)
    except (RequestError, TargetError, race.BenchError) as error:
        raise UsageError(str(error)) from None
    except results.UnwritableFileError as error:
        print(f"convgauge: the run cannot be written to {error.filename}: {error.strerror}", file=sys.stderr)
        return INTERNAL_ERROR
    except OSError as error:
        raise UsageError(f"the run cannot be written to {error.filename}: {error.strerror}") from None


def _bench_request(options: Any) -> BenchRequest:
    """Return the request of the options of `bench`. Raises `RequestError`."""
    try:
        threads = tuple(int(number) for number in options.threads.split(","))
    except ValueError as error:
        raise UsageError(f"--threads: {error}") from None
    return BenchRequest(
        targets=tuple(options.target),
        framework=options.framework,
        baseline=options.baseline,
        layers=options.layers,
        budget_s=options.budget,
        threads=threads,
        operands=options.operands,
        explain=options.explain,
        seed=options.seed,
        label=options.label,
        output=options.output,
    )


def _bench_on_cluster(options: Any, request: BenchRequest, console: Console) -> int:
    from convgauge.cluster import ClusterError
    from convgauge.cluster.bench import bench

    try:
        return bench(options.cluster, request, console)
    except ClusterError as error:
        return _broke_off(error)


# --- report and compare ----------------------------------------------------------------------------------------------


def _add_report(commands: Any) -> None:
    parser = _command(
        commands, "report", _report, "make the HTML site of one or more runs",
        "convgauge report run.jsonl race.jsonl --output site", "convgauge report run.jsonl --serve",
    )  # fmt: skip
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN.jsonl",
        help="runs, folders of runs, and what `convgauge selftest --output` wrote",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, default=Path("reports/site"), metavar="DIR", help="reports/site")
    parser.add_argument("--junitxml", type=Path, metavar="FILE", help="write the results as JUnit XML too")
    parser.add_argument("--serve", action="store_true", help="show it on the loopback interface until Ctrl-C")


def _report(options: Any) -> int:
    from convgauge import report, results

    issues: list[report.InputIssue] = []
    try:
        index = report.build(options.runs, options.output, issues.append, options.junitxml)
    except (results.DamagedFileError, OSError) as error:
        raise UsageError(escape_controls(str(error))) from None
    for issue in issues:
        consequence = "left out, and named in the report" if issue.is_lost else "the report says so"
        print(f"convgauge: {escape_controls(issue.text)}: {consequence}", file=sys.stderr)
    print(f"wrote {index}")
    if options.serve:
        report.serve(index.parent)
    return int(any(issue.is_lost for issue in issues))


def _add_compare(commands: Any) -> None:
    parser = _command(
        commands, "compare", _compare, "what changed between two runs; exit 1 on a regression",
        "convgauge compare main.jsonl branch.jsonl", "convgauge compare main.jsonl branch.jsonl --json",
    )  # fmt: skip
    parser.add_argument("old", type=Path, metavar="OLD.jsonl")
    parser.add_argument("new", type=Path, metavar="NEW.jsonl")
    parser.add_argument("--slower", type=float, metavar="PERCENT", help="a ratio that grew by more is a regression")
    parser.add_argument("--other-machine", action="store_true", help="compare ratios of different machines")
    parser.add_argument("--markdown", action="store_true", help="tables for a pull request")
    _json(parser)


def _compare(options: Any) -> int:
    from convgauge import report, results

    try:
        old, new = results.read(options.old), results.read(options.new)
    except (results.DamagedFileError, OSError) as error:
        raise UsageError(str(error)) from None
    if (differs := report.other_machine(old, new)) and not options.other_machine:
        raise UsageError(f"the two runs were timed on different machines ({differs}); --other-machine compares ratios")
    limit = None if options.slower is None else options.slower / 100
    text, status = report.compare(old, new, limit, options.markdown)
    if options.json:
        from convgauge.cli import json_output

        text = json_output.encode(json_output.compare(old, new, report.changes_between(old, new), status))
    print(text)
    return status


def _add_merge(commands: Any) -> None:
    parser = _command(
        commands, "merge", _merge, "put the shards of one run together",
        "convgauge merge shard-1.jsonl shard-2.jsonl --output run.jsonl",
    )  # fmt: skip
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN.jsonl")
    parser.add_argument("--output", type=Path, required=True, metavar="RUN.jsonl", help="write the whole run here")


def _merge(options: Any) -> int:
    from convgauge import results
    from convgauge.conformance.merge import Unlike, merge

    try:
        return merge([results.read(path) for path in options.runs], options.output)
    except (results.DamagedFileError, OSError, Unlike) as error:
        raise UsageError(str(error)) from None


# --- reproduce and selftest ------------------------------------------------------------------------------------------


def _add_reproduce(commands: Any) -> None:
    parser = _command(
        commands, "reproduce", _reproduce, "run one case again, everything printed",
        "convgauge reproduce numpy_windows n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32",
        "convgauge reproduce my_kernel.py:conv2d 'n1c1h2w1_o1k1x1_s1x1_p3x4_d1x1_g1_float32' --spec padding.pair",
    )  # fmt: skip
    parser.add_argument("target", nargs=1, metavar="TARGET")
    parser.add_argument("problem", metavar="PROBLEM", help="a problem, or a case as a counterexample prints it")
    parser.add_argument("--spec", default="", metavar="ID", help="judge it as this spec does")
    parser.add_argument("--framework", default="", help="arrays that a plain function wants")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--python", default="", metavar="PATH", help="the Python that runs the implementation")
    _running(parser)


def _reproduce(options: Any) -> int:
    from convgauge.problem import ProblemError

    if options.spec:
        from convgauge.conformance.run import check

        specs, devices = split_list(options.spec), split_list(options.device)
        return check(_request(options, case=options.problem, specs=specs, devices=devices), Verbosity.EVERY_SPEC)
    from convgauge.conformance.reproduce import reproduce
    from convgauge.registry import LoadError, TargetError

    try:
        return reproduce(options)
    except (ProblemError, TargetError) as error:
        raise UsageError(str(error)) from None
    except LoadError as error:
        raise UsageError(f"{error}\n{error.trace}".rstrip()) from None


def _add_selftest(commands: Any) -> None:
    parser = _command(
        commands, "selftest", _selftest, "prove the suite: every mutant must be killed, and no correct build may fail",
        "convgauge selftest --tier quick", "convgauge selftest -k padding -x",
    )  # fmt: skip
    parser.add_argument("--tier", default="standard", help="quick, standard (default) or exhaustive")
    parser.add_argument("--output", type=Path, default=None, metavar="FILE.json", help="write the kill matrix here")
    parser.add_argument("-k", default="", metavar="WORD", help="only mutants whose name contains this, or of that file")
    parser.add_argument("-x", action="store_true", help="end a mutant's run at the first spec that kills it")
    parser.add_argument(
        "--resume",
        type=Path,
        default=None,
        metavar="FILE.json",
        help="continue this matrix: findings of unchanged mutants are taken from it",
    )
    parser.add_argument(
        "--sensitivity",
        default="",
        metavar="TARGET",
        help="instead, give every case of a correct implementation wrong outputs",
    )
    parser.add_argument("--profile", default="functional", help="profile whose specs are given wrong outputs")


def _selftest(options: Any) -> int:
    if options.sensitivity:
        from convgauge.selftest.sensitivity import show

        return show(options.sensitivity, options.profile, options.tier)
    from convgauge.results import DamagedFileError
    from convgauge.selftest.run import selftest

    try:
        return selftest(options.tier, options.output, options.k, options.x, options.resume)
    except (DamagedFileError, OSError) as error:
        raise UsageError(str(error)) from None


# --- completion ------------------------------------------------------------------------------------------------------


def _add_completion(commands: Any) -> None:
    from convgauge.cli.completion import SHELLS

    parser = _command(
        commands, "completion", _completion, "print what a shell needs to complete this command line",
        'eval "$(convgauge completion bash)"    # in ~/.bashrc',
        'convgauge completion zsh > "${fpath[1]}/_convgauge"',
        "convgauge completion fish > ~/.config/fish/completions/convgauge.fish",
    )  # fmt: skip
    parser.add_argument("shell", choices=SHELLS)


def _completion(options: Any) -> int:
    from convgauge.cli.completion import script

    print(script(_parser(), options.shell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
