"""The batch script of a launch, its settings, and mistakes in them; nothing is submitted."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from biobench.cli import execute
from biobench.errors import UsageError
from biobench.launch.places import places_of
from biobench.launch.script import Worker, script
from biobench.launch.settings import Settings, check, read_profile
from biobench.work.document import read_plan

DIGEST = "sha256:" + "0" * 64


def worker(**more: object) -> Worker:
    base: dict[str, object] = {
        "program": ("/venv/bin/python", "-m", "biobench"),
        "plan": Path("/shared/plan.json"),
        "store": Path("/shared/store"),
        "out": Path("/out"),
    }
    return Worker(**{**base, **more})  # type: ignore[arg-type]


def lines(settings: Settings, **more: object) -> list[str]:
    text = script(settings, worker(**more), Path("/shared/plan.slurm"), DIGEST)
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return text.splitlines()


def test_an_array_of_workers() -> None:
    """One worker a task of the array, asked to end before the limit, requeued where a node is
    lost, with a log that a second start does not empty; it takes the place of the shell."""
    found = lines(Settings(workers=8, time="8:00:00", gpus="1", cpus=4, memory="16G"))
    assert [line.removeprefix("#SBATCH ") for line in found if line.startswith("#SBATCH")] == [
        "--job-name=biobench",
        "--array=0-7",
        "--output=/shared/plan.slurm/%A_%a.log",
        "--open-mode=append",
        "--requeue",
        "--signal=B:TERM@120",
        "--ntasks=1",
        "--time=8:00:00",
        "--gpus=1",
        "--cpus-per-task=4",
        "--mem=16G",
    ]
    assert found[0] == "#!/bin/bash"
    assert found[-1] == (
        "exec /venv/bin/python -m biobench work /shared/plan.json --store /shared/store --out /out "
        '--workers 4 --name "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"'
    )


def test_strange_paths() -> None:
    """Spaces, quotes, percent signs and dollars in paths stay what they are."""
    text = script(Settings(workers=1), worker(out=Path("/a b/$(x)'")), Path('/l "%j'), DIGEST)
    assert '#SBATCH --output="/l \\"%%j/%A_%a.log"' in text.splitlines()
    assert "--out '/a b/$(x)'\"'\"''" in text


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        (None, "exec apptainer exec --nv --bind /data --bind /out --bind /shared "
         "image.sif biobench"),
        ("pyxis", "exec srun --ntasks=1 --container-image=image.sif --container-mounts="
         "/data:/data,/out:/out,/shared:/shared biobench work /shared/plan.json"),
        ("docker", "--gpus \"\\\"device=${SLURM_JOB_GPUS:-${CUDA_VISIBLE_DEVICES:-all}}\\\"\" "
         "--volume /data:/data --volume /out:/out --volume /shared:/shared "
         "image.sif work /shared/plan.json"),
    ],
)  # fmt: skip
def test_containers(runtime: str | None, words: str) -> None:
    """A worker in an image has every folder that it needs, under its own path, and its GPU."""
    settings = Settings(workers=1, container="image.sif", container_runtime=runtime, gpus="1")
    last = lines(settings, data=Path("/data"))[-1]
    assert words in last
    assert "--data /data" in last


def test_a_container_holds_the_files_that_a_plan_names(
    plan: Path, small_program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects: a worker in an image finds own tasks and local models, which may lie anywhere."""
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    words = [str(plan), *places, "--workers", "1", "--dry-run", "--container", "image"]
    model = Path(small_program.removeprefix("program:"))
    assert tmp_path not in model.parents
    for runtime, mount in (
        ("apptainer", f"--bind {model}"),
        ("pyxis", f"{model}:{model}"),
        ("docker", f"--volume {model}:{model}"),
    ):
        capsys.readouterr()
        assert execute(["launch", "slurm", *words, "--container-runtime", runtime]) == 0
        assert mount in capsys.readouterr().out
    made = read_plan(plan)
    models = (
        "timm:/w/vit.safetensors#vit_tiny_patch16_224", "hf:/h/siglip", "onnx:/o/encoder.onnx",
        "program:/p", "demo", "hf:google/siglip2-base-patch16-224", "py:my_models:Colours",
    )  # fmt: skip
    named = replace(
        made,
        models=tuple(replace(made.models[0], model=model) for model in models),
        names=("demo-beluga", "/tasks/birds.yaml"),
    )
    assert places_of(named) == tuple(map(Path, ("/h/siglip", "/o", "/p", "/tasks", "/w")))


@pytest.mark.parametrize(
    ("container", "runtime", "signal"),
    [
        (None, None, "B:TERM@30"),
        ("image.sif", None, "B:TERM@30"),
        ("image", "docker", "B:TERM@30"),
        ("image", "pyxis", "TERM@30"),
        (None, "pyxis", "B:TERM@30"),
    ],
)
def test_who_gets_the_signal(container: str | None, runtime: str | None, signal: str) -> None:
    """The process of the batch script, which is the worker or passes it on. srun does not: at
    SIGTERM it kills its tasks, so there Slurm signals the step, which is the worker."""
    settings = Settings(workers=1, container=container, container_runtime=runtime, signal_before=30)
    found = [line for line in lines(settings) if "--signal=" in line]
    assert found == [f"#SBATCH --signal={signal}"]


@pytest.mark.parametrize(
    ("variables", "devices"),
    [
        ({"SLURM_JOB_GPUS": "2,3", "CUDA_VISIBLE_DEVICES": "0,1"}, '"device=2,3"'),
        ({"CUDA_VISIBLE_DEVICES": "1"}, '"device=1"'),
        ({}, '"device=all"'),
    ],
)
def test_docker_gets_the_gpus_of_the_job(
    variables: dict[str, str], devices: str, tmp_path: Path
) -> None:
    """Two workers on a node would otherwise compute on the same one: its daemon sees all."""
    (tmp_path / "docker").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "docker").chmod(0o755)
    settings = Settings(workers=1, container="image", container_runtime="docker", gpus="2")
    text = script(settings, worker(), Path("/shared/plan.slurm"), DIGEST)
    done = subprocess.run(
        ["bash"], input=text, text=True, capture_output=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **variables},
    )  # fmt: skip
    words = done.stdout.splitlines()
    assert words[words.index("--gpus") + 1] == devices


def test_own_options_come_last() -> None:
    """sbatch takes the last of two: what a user gives replaces what the launcher writes."""
    found = lines(
        Settings(workers=1, setup=("module load x",), sbatch_options=("--open-mode=truncate",))
    )
    assert [line for line in found if line.startswith("#SBATCH")][-1] == (
        "#SBATCH --open-mode=truncate"
    )
    assert found[-3] == "module load x"


def test_a_profile(tmp_path: Path) -> None:
    """Options are over the profile's, and lists are of both."""
    path = tmp_path / "gpu.yaml"
    path.write_text(
        "partition: gpu\ngpus: 1\nworkers: 16\ntime: '8:00:00'\nsetup: [module load apptainer]\n"
    )
    given = Settings(workers=4, partition="long", setup=("umask 2",)).over(read_profile(path))
    assert (given.workers, given.partition, given.gpus, given.time) == (4, "long", "1", "8:00:00")
    assert given.setup == ("module load apptainer", "umask 2")
    check(given)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("partitions: gpu\n", "has the key 'partitions'; its keys are workers, partition"),
        ("workers: zero\n", "workers must be a number of at least 1"),
        ("workers: 0\n", "workers must be a number of at least 1"),
        ("setup: module load x\n", "setup must be a list of text"),
        ("partition: [a]\n", "partition must be text"),
        ("- partition\n", "is not a list of keys and values"),
        ("a: b: c\n", "gpu.yaml"),
    ],
)
def test_bad_profiles(text: str, words: str, tmp_path: Path) -> None:
    """A mistake in a profile is one line that names the key."""
    path = tmp_path / "gpu.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_profile(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError):
        read_profile(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (Settings(partition="a b"), "--partition"),
        (Settings(time="1\n#SBATCH --x"), "--time"),
        (Settings(memory="'"), "--memory"),
        (Settings(sbatch_options=("nice=1",)), "--sbatch-option"),
        (Settings(sbatch_options=("--a\n#SBATCH --b",)), "--sbatch-option"),
        (Settings(setup=("a\nb",)), "--setup"),
        (Settings(container_runtime="docker"), "--container-runtime"),
        (Settings(container="x", container_runtime="podman"), "--container-runtime"),
        (Settings(signal_before=10**6), "--signal-before"),
    ],
)
def test_values_that_a_script_cannot_hold(settings: Settings, where: str) -> None:
    """No value ends its line, or becomes another option."""
    with pytest.raises(UsageError) as caught:
        check(settings)
    assert str(caught.value).startswith(where)


@pytest.fixture
def plan(tmp_path: Path, small_program: str) -> Path:
    path = tmp_path / "plan.json"
    words = ["plan", "--model", small_program, "--task", "demo-beluga", "--out", str(path)]
    assert execute([*words, "--store", str(tmp_path / "store")]) == 0
    return path


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    capsys.readouterr()
    code = execute(["launch", "slurm", *map(str, words)])
    (line,) = capsys.readouterr().err.splitlines()
    return code, line


@pytest.mark.slow
def test_mistakes(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one line with its exit code, and leaves nothing behind."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    places = ["--store", tmp_path / "store", "--out", tmp_path / "out"]
    code, line = said(capsys, plan, *places, "--workers", "2")
    assert (code, "there is no program sbatch on this machine" in line) == (1, True)
    for mode in ([], ["--dry-run"], ["--status"], ["--cancel"], ["--log", "1"]):
        code, line = said(capsys, tmp_path / "none.json", *places, "--workers", "2", *mode)
        assert (code, "none.json" in line) == (2, True), mode
        code, line = said(capsys, tmp_path, *places, "--workers", "2", *mode)
        assert (code, "is a folder" in line) == (2, True), mode
    for missing in ("--store", "--out", "--workers"):
        given = [*places, "--workers", "2"]
        at = given.index(missing)
        code, line = said(capsys, plan, *given[:at], *given[at + 2 :])
        assert (code, f"needs {missing}" in line) == (2, True)
    assert said(capsys, plan, "--status")[0] == 2
    code, line = said(capsys, plan, "--status", "--store", tmp_path / "nowhere")
    assert (code, "there is no store" in line) == (3, True)
    assert said(capsys, plan, *places, "--workers", "2", "--data", tmp_path / "no")[0] == 2
    assert said(capsys, plan, "--status", "--cancel")[0] == 2
    assert said(capsys, plan, "--json")[0] == 2
    (tmp_path / "file").write_text("x")
    for option in ("--store", "--out"):
        code, line = said(capsys, plan, *places, "--workers", "2", option, tmp_path / "file")
        assert (code, "is not a folder" in line) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "plan.json"]


@pytest.mark.slow
def test_logs_that_are_not_there(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A task without a log, a part that nobody had, and what is neither."""
    (tmp_path / "store").mkdir()
    for asked, code, words in (
        ("1", 3, "nothing was launched"),
        ("zz", 2, "neither a task nor a part"),
        ("0" * 64, 2, "0 parts have a name"),
    ):
        found, line = said(capsys, plan, "--log", asked, "--store", tmp_path / "store")
        assert (found, words in line) == (code, True), line


@pytest.mark.slow
def test_dry_run_writes_nothing(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script is printed, and no folder is made."""
    capsys.readouterr()
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert execute(["launch", "slurm", str(plan), *places, "--workers", "3", "--dry-run"]) == 0
    assert "#SBATCH --array=0-2\n" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
