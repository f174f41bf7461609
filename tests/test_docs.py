"""README and docs say what is so: their commands run, their recipes work, their links, menus and tables hold."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from tiny_llama import byte_pairs, llama, save
from tiny_pairs import SMALL_PAIRS, pairs, write_pairs

import reattend
from reattend.menus import CONF, refreshed
from reattend.records import read_records
from reattend.report import read_specs, write_report
from reattend.report.readme import BLOCK
from reattend.report.table import select

ROOT = CONF.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"(?:^`(?P<file>[\w./-]+)`\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


# what makes a command that evaluates small enough for a model of 64 positions
PIECES = {"chunk": "16", "max_tokens": "64"}
SHORT = {
    "squality": {
        "chunk": "16",
        "limit": "2",
        "task.context": "62",
        "task.max_new_tokens": "2",
        "task.chat": "false",
        "task.beyond_context": "true",
        "data.allow_mismatch": "true",
    },
    "stories": {"task.count": "2", "task.longest": "3", "task.prompt": "Once"},
    "judge": {},
    "qasper": {},
}
WHOLE = ("extrapolation", "stories", "judge")  # they have no chunks
COMPOSED = ("qasper", "judge")  # no paper and no endpoint is promised here
TRANSLATES = ("ui_strings", "tatoeba_de_en", "iwslt14_de_en", "wmt14_en_de")


STORY = {  # as SQuALITY has them
    "metadata": {"passage_id": "7"},
    "document": "It rained over the wide river, and nobody came. " * 3,
    "questions": [
        {"question_text": text, "question_number": number, "responses": [{"response_text": "Nobody."}]}
        for number, text in enumerate(("Who?", "Why?"), 1)
    ],
}


class Said(NamedTuple):
    """One thing that a page tells its reader to do."""

    where: str
    kind: str
    text: str


def _said() -> list[Said]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in FENCE.finditer(text):
            line = text[: block.start("text")].count("\n") + 1
            if block["file"]:
                found.append(Said(block["file"], "file", block["text"]))
            elif block["language"] == "python":
                found.append(Said(f"{page.name}:{line}", "code", block["text"]))
            elif block["language"] in ("bash", "sh"):
                commands = enumerate(re.sub(r"\s+# .*", "", block["text"]).splitlines(), start=line)
                found += [Said(f"{page.name}:{number}", "command", command) for number, command in commands if command]
    return found


SAID = _said()
DONE = [said for said in SAID if said.kind != "file" and not said.text.startswith(("source ", "git clone ", "cd "))]


def _step(said: Said) -> tuple[str, object]:
    """What follow_docs.py shall do: the command itself, but small and without network."""
    if said.kind == "code":
        return "code", said.text
    words = shlex.split(said.text)
    if words[:2] == ["make", "test"] and len(words) > 2:
        first, *others = shlex.split(words[2].removeprefix("ARGS="))  # of several folders the first
        return "pytest", [first, *(word for word in others if not word.startswith("tests/"))]
    if words[0] == "make":
        return "code", f"import subprocess; subprocess.run({['make', '-n', *words[1:]]}, check=True)"
    assert words[0] == "python", f"no rule to run {said.text}"
    return "script", [words[1], *_small(words[1], words[2:])]


def _first_of(options: dict[str, str], key: str) -> dict[str, str]:
    """Of a sweep over many values the first: one job more tells little that is new."""
    return {key: options[key].partition(",")[0].replace("glob(*)", "glob(softmax*)")} if key in options else {}


def _small(script: str, arguments: list[str]) -> list[str]:
    flags = [word for word in arguments if word.startswith("-") or "=" not in word]
    options = dict(word.split("=", 1) for word in arguments if word not in flags)
    book = {"data.path": "book.txt"}
    changes, offline = {}, {"data": "books" if script == "scripts/evaluate.py" else "text"} | book
    if script == "scripts/train.py" and options.get("experiment") in TRANSLATES:
        changes = dict(word.split("=", 1) for word in SMALL_PAIRS) | {"data.path": "pairs.tsv"}
        if "data" in options:
            changes = {key: value for key, value in changes.items() if key.partition(".")[0] != "data"}
        changes |= {"trainer.max_steps": "2", "objective.average": "0"}
        for key in ("attention", "seed", "data.direction", "model.norm"):
            options |= _first_of(options, key)
    elif script == "scripts/train.py":
        changes = {"trainer.max_steps": "2", "logger": "none", "data.context": "16", "data.batch_size": "8"}
        changes |= {"objective.window": "null", "objective.stride": "null", "model": "tiny"}
        options = {"data": "enwiki_sample"} | options | _first_of(options, "seed")
        if "experiment" in options:
            options |= _first_of(options, "attention")
        if "lm" in options:  # it comes with its sizes
            del changes["model"]
            changes |= {"lm": "pretrained", "lm.path": "my-model"}
    if script == "scripts/evaluate.py":
        if options.get("task") == "sample":
            changes = {"task.length": "5"}
        elif options.get("task") == "translation":
            if options.pop("data", "lines") != "lines":
                options |= {"data.source": "my.de"}
        elif "checkpoint" not in options:
            task = options.get("task") or options.get("experiment", "perplexity").removeprefix("tova_")
            changes = {"threads": "1"} | SHORT.get(task, PIECES | offline)
            options = ({} if task in WHOLE else {"task.context": "32"}) | options | _first_of(options, "policy.size")
            if task in COMPOSED:
                flags, options = ["--cfg", "job"], options | _first_of(options, "policy")
        if options.get("lm") != "checkpoint" and "checkpoint" not in options and options.get("task") != "judge":
            changes |= {"lm": "pretrained", "lm.path": "my-model"}
    if options.get("data") in ("enwiki_sample", "books") and script != "scripts/evaluate.py":
        changes |= offline
    if options.get("launcher") == "parallel":
        changes["hydra.launcher.n_jobs"] = "1"  # else two more processes import torch
    if options.get("trainer") == "gpu" or script == "scripts/bench.py" or options.get("data") == "wikitext103":
        # only composed: no GPU or network is promised here, and a benchmark has tests of its own
        flags += ["--cfg", "job"]
    return flags + [f"{key}={value}" for key, value in (options | changes).items()]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> dict[Said, tuple[int, str]]:
    """Exit status and output of everything the pages say, done in a copy of the project with the recipes' files."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("src", "conf", "scripts", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Makefile", "pyproject.toml", "constraints.txt", "README.md"):
        shutil.copy(ROOT / file, copy)
    for path, text in [
        ("book.txt", "It was a bright cold day. " * 400),
        *((s.where, s.text) for s in SAID if s.kind == "file"),
    ]:
        assert not (copy / path).exists(), f"the recipe for {path} would overwrite a file"
        (copy / path).write_text(text, encoding="utf-8")
    write_pairs(copy / "pairs.tsv")
    (copy / "dev.jsonl").write_text(json.dumps(STORY) + "\n", encoding="utf-8")
    for column, path in enumerate(("my.de", "my.en")):
        (copy / path).write_text("".join(f"{pair[column]}\n" for pair in pairs(20)), encoding="utf-8")
    tokenizer = byte_pairs()
    save(copy / "my-model", llama(tokenizer), tokenizer)
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "PYTEST"))}
    here = {"PYTHONPATH": str(copy / "src"), "REATTEND_HOME": str(copy / "home"), "OMP_NUM_THREADS": "1"}
    (copy / "steps.json").write_text(json.dumps([_step(said) for said in DONE]))
    subprocess.run([sys.executable, "tests/follow_docs.py"], cwd=copy, env=surroundings | here, check=True)
    return dict(zip(DONE, json.loads((copy / "done.json").read_text()), strict=True))


@pytest.mark.parametrize("said", DONE, ids=lambda said: f"{said.where} {said.text.splitlines()[0]}")
def test_what_the_pages_say_works(said, followed):
    status, output = followed[said]
    assert status == 0, output
    if said.kind == "code":
        assert output, "an example that shows nothing"


def test_a_recipe_is_trained_and_recorded(followed):
    trained = [output for said, (_, output) in followed.items() if "attention=softmax,temperature" in said.text]
    assert "temperature" in trained[0]
    assert "bits per byte" in trained[0]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md", ROOT / "results/LOG.md"], ids=lambda page: page.name)
def test_links_and_targets_exist(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / link).exists(), link
    code = " ".join(re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= _targets()


def _targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_make_help_lists_every_target():
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\S+) +\S", told, re.MULTILINE)) == _targets()


def test_menus_are_those_of_conf():
    text = PAGES[0].read_text(encoding="utf-8")
    menus = {"attention", "model", "control", "experiment", "data", "objective", "lm", "policy", "positions"}
    assert menus == set(re.findall(r"<!-- menu:(\S+) -->", text))
    assert refreshed(text) == text, "a menu is not what conf/ says: run `make readme`"


def test_tables_are_what_the_records_say(tmp_path, monkeypatch):
    # tests/report looks at pictures; to render all of them takes half of the time
    canvas = "matplotlib.backends.backend_agg.FigureCanvasAgg"
    monkeypatch.setattr(f"{canvas}.print_figure", lambda canvas, path, **options: Path(path).touch())
    results, specs = ROOT / "results", read_specs(CONF / "table")
    records = read_records(results / "runs")
    if not records:
        pytest.skip("no record is committed yet")
    shutil.copytree(results / "runs", tmp_path / "results/runs")
    shutil.copy(PAGES[0], tmp_path)
    page = tmp_path / PAGES[0].name
    write_report(tmp_path / "results", specs, readme=page, known=[spec.name for spec in specs], say=lambda text: None)
    fix = "run `make readme`; runs of your own belong in another results_dir"
    for spec in specs:
        if select(spec, records):
            for kind in ("md", "csv"):
                table = f"results/tables/{spec.name}.{kind}"
                assert (ROOT / table).read_bytes() == (tmp_path / table).read_bytes(), fix
            assert (ROOT / f"results/figures/{spec.name}.png").exists(), fix
    assert page.read_text(encoding="utf-8") == PAGES[0].read_text(encoding="utf-8"), fix
    assert {"default", "enwiki_sample"} <= {
        block["table"] for block in BLOCK.finditer(page.read_text(encoding="utf-8"))
    }


def test_no_file_names_a_folder_of_one_machine():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    own = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|mnt|opt)/\w+")
    for name in listed.stdout.splitlines():
        if (ROOT / name).suffix != ".png" and (ROOT / name).is_file():
            found = own.search((ROOT / name).read_text(encoding="utf-8"))
            assert not found, f"{name}: {found}"


def test_one_version_and_both_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == reattend.__version__
    assert f'version = "{reattend.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    papers = {paper["identifiers"][0]["value"] for paper in citation["references"]}
    assert papers == {"arXiv:2410.15578", "arXiv:2401.06104"}
