"""A submission: the same bytes from the same result, and nothing a stranger could hide in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import Made

from biobench import Results
from biobench.data.unpack.archive_error import ArchiveError
from biobench.errors import DataError
from biobench.spec.canonical import canonical_json, sha256_bytes
from biobench.spec.load import load_spec
from biobench.verify import submission, submission_rows
from biobench.verify.load import open_result
from biobench.verify.submission import pack, submission_bytes, submission_of, unpack
from biobench.verify.verdict import verify_one


@pytest.fixture(scope="module")
def packed(demo: Made) -> bytes:
    return submission_bytes(demo.results)


def test_the_same_bytes(demo: Made, packed: bytes, tmp_path: Path) -> None:
    """Twice, from a copy elsewhere, and from the submission itself."""
    assert submission_bytes(demo.results) == packed
    copied = demo.copy(tmp_path / "elsewhere")
    assert submission_bytes(copied.results) == packed
    assert submission_bytes(submission_of(packed, "here")) == packed


def test_any_tar_reads_it(packed: bytes, demo: Made) -> None:
    """Plain tar and JSON: the sha256 of a member is the digest that the result states."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        names = archive.getnames()
        members = {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]
        assert {(m.mtime, m.uid, m.uname, m.mode) for m in archive.getmembers()} == {
            (0, 0, "", 0o644)
        }
    tasks = demo.results.tasks
    digests = [f"evidence/{id}.{stage}" for id in tasks for stage in ("pixels", "features")]
    rows = [f"predictions/{id}.json" for id in tasks]
    assert names == ["submission.json", "results.json", *rows, *digests]
    assert all(members[name] == (demo.out / name).read_bytes() for name in digests)
    for id, entry in tasks.items():
        digest = hashlib.sha256(members[f"predictions/{id}.json"]).hexdigest()
        assert "sha256:" + digest == entry["digests"]["predictions"]
    head = json.loads(members["submission.json"])
    assert members["results.json"] == (demo.out / "results.json").read_bytes()
    assert head["spec"] == demo.results.document["spec"]
    assert head["environment"] == demo.results.document["environment"]


def test_it_verifies_by_itself(packed: bytes, own: Made, tmp_path: Path) -> None:
    """Also with groups, traits and lists; nothing but the file is needed."""
    for data in (packed, submission_bytes(own.results)):
        path = tmp_path / "submission.tar"
        path.write_bytes(data)
        places = own.places(data=False, store=False)
        verdict = verify_one(path, load_spec(), places)
        assert verdict.holds, verdict.lines()
        (report,) = verdict.checked.values()
        assert report.reached["score"] == "S"


def members_of(packed: bytes) -> dict[str, Any]:
    """Values of the members of JSON; bytes of the others."""
    members = {path: bytes(data) for path, data in unpack(packed).items()}
    return {p: json.loads(data) if p.endswith(".json") else data for p, data in members.items()}


def repacked(values: dict[str, Any]) -> bytes:
    """Members anew, with the digests of the members in the head."""
    members = {
        path: value if isinstance(value, bytes) else canonical_json(value)
        for path, value in values.items()
    }
    members["results.json"] = Results(values["results.json"]).to_json().encode()
    head = values["submission.json"] | {
        "members": {p: sha256_bytes(d) for p, d in members.items() if p != "submission.json"}
    }
    return pack(members | {"submission.json": canonical_json(head)})


PLACE = "predictions/demo-beluga.json"


def test_a_changed_prediction(packed: bytes, demo: Made, tmp_path: Path) -> None:
    """With a head that fits it is read, and the stage is named."""
    values = members_of(packed)
    values[PLACE][0][2] += 1
    path = tmp_path / "submission.tar"
    path.write_bytes(repacked(values))
    verdict = verify_one(path, load_spec(), demo.places(data=False, store=False))
    assert verdict.document()["first"] == "predictions"


def one_header(
    name: str, data: bytes = b"{}", *, kind: bytes = tarfile.REGTYPE, **fields: Any
) -> bytes:
    """An archive of one member that tarfile itself writes."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.type = len(data), 0o644, kind
    for field, value in fields.items():
        setattr(member, field, value)
    body = data + bytes(-len(data) % 512) if kind == tarfile.REGTYPE else b""
    return member.tobuf(tarfile.USTAR_FORMAT) + body + bytes(1024)


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results.json", bytes(50 << 20))
    return data.getvalue()


def pax(name: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        archive.addfile(member)
    return data.getvalue()


def doubled(packed: bytes) -> bytes:
    members = unpack(packed)
    path, data = next(iter(members.items()))
    return pack({path: data})[:-1024] + packed


HOSTILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "climbs": (lambda _: one_header("../results.json"), "climbs out"),
    "absolute": (lambda _: one_header("/etc/passwd"), "absolute"),
    "not a plain path": (lambda _: one_header("./results.json"), "an invalid name"),
    "symbolic link": (
        lambda _: one_header("results.json", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "is a link",
    ),
    "hard link": (
        lambda _: one_header("results.json", kind=tarfile.LNKTYPE, linkname="x"), "is a link"
    ),
    "device": (lambda _: one_header("results.json", kind=tarfile.CHRTYPE), "no plain file"),
    "named pipe": (lambda _: one_header("results.json", kind=tarfile.FIFOTYPE), "no plain file"),
    "folder": (lambda _: one_header("predictions", kind=tarfile.DIRTYPE), "a folder"),
    "long name": (lambda _: pax("a" * 150), "no plain file"),
    "time": (lambda _: one_header("submission.json", mtime=1), "a time"),
    "owner": (lambda _: one_header("submission.json", uname="root"), "an owner"),
    "mode": (lambda _: one_header("submission.json", mode=0o4755), "extra"),
    "size beyond the end": (
        lambda _: one_header("submission.json", bytes(600))[:1024] + bytes(0), "ends early"
    ),
    "absurd size": (
        lambda _: one_header("submission.json", size=8 << 30 >> 1)[:512], "has more than"
    ),
    "negative size": (
        lambda _: one_header("x")[:124] + b"-0000000001\0" + one_header("x")[136:], "not a number"
    ),
    "twice": (doubled, "twice"),
    "more behind": (lambda packed: packed + b"more", "after its end"),
    "cut": (lambda packed: packed[:-1], "after its end"),
    "cut in a member": (lambda packed: packed[:3000], "ends early"),
    "gzip": (gzip.compress, "is compressed"),
    "zip bomb": (lambda _: bomb(), "is compressed"),
    "empty": (lambda _: b"", "ends early"),
    "zeros": (lambda _: bytes(1024), "does not begin with"),
    "text": (lambda _: b"hello " * 200, "not a tar archive"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_archives(name: str, packed: bytes) -> None:
    """One line that says what and where, exit 3, and nothing written anywhere."""
    make, words = HOSTILE[name]
    with pytest.raises(DataError, match=words) as caught:
        submission_of(make(packed), "file")
    assert caught.value.exit_code == 3
    assert len(str(caught.value).splitlines()) == 1


def odd(values: dict[str, Any], path: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    return values | {path: change(values[path])}


def with_row(change: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda rows: [change(rows[0]), *rows[1:]]


ODD: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a text as label": (PLACE, with_row(lambda row: [row[0], "x", *row[2:]]), "not a list of"),
    "a huge label": (PLACE, with_row(lambda row: [row[0], 1 << 40, *row[2:]]), "not a list of"),
    "a fraction as label": (PLACE, with_row(lambda row: [row[0], 0.5, *row[2:]]), "not a list of"),
    "a number as id": (PLACE, with_row(lambda row: [3, *row[1:]]), "not a list of"),
    "an endless id": (PLACE, with_row(lambda row: ["x" * 10_000, *row[1:]]), "not a list of"),
    "a short row": (PLACE, with_row(lambda row: row[:3]), "not a list of"),
    "other columns": (PLACE, with_row(lambda row: [*row[:3], {}]), "different columns"),
    "unequal lists": (
        PLACE, with_row(lambda row: [*row[:3], row[3] | {"neighbours": [1]}]), "invalid values"
    ),
    "an id twice": (PLACE, lambda rows: [rows[0], rows[0], *rows[2:]], "occurs twice"),
    "no rows": (PLACE, lambda rows: {"rows": rows}, "not a list of"),
    "another schema": ("submission.json", lambda head: head | {"schema": "x/1"}, "its schema"),
    "another result": (
        "submission.json", lambda head: head | {"result": "sha256:" + "0" * 64}, "not that of"
    ),
    "another environment": (
        "submission.json", lambda head: head | {"environment": {}}, "not that of"
    ),
    "no tasks": ("results.json", lambda document: document | {"tasks": {}}, "and no others"),
    "tasks that are texts": (
        "results.json", lambda document: document | {"tasks": {"x": "y"}}, "does not say"
    ),
    "an unknown schema": ("results.json", lambda document: document | {"schema": "y"}, "'y'"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_members(name: str, packed: bytes) -> None:
    """Sound archives of values that no run has."""
    path, change, words = ODD[name]
    with pytest.raises(DataError, match=words) as caught:
        submission_of(repacked(odd(members_of(packed), path, change)), "file")
    assert len(str(caught.value).splitlines()) == 1


def test_json_is_canonical_or_refused(packed: bytes) -> None:
    """Spaces, repeated names, endless nesting and numbers beyond float64."""
    members = unpack(packed)
    for text, words in (
        (b'{ "schema":"biobench.submission/1"}', "not canonical"),
        (b'{"a":1,"a":2}', "occurs twice"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[1e999]", "beyond float64"),
        (b"\xff", "not UTF-8"),
    ):
        with pytest.raises(DataError, match=words):
            submission_of(pack(members | {"submission.json": text}), "file")
    spaced = {"results.json": bytes(members["results.json"]) + b" "}
    with pytest.raises(DataError, match="as a run writes it"):
        submission_of(with_head(members | spaced), "file")


def with_head(members: Mapping[str, bytes | memoryview]) -> bytes:
    """Members with a head that has their digests."""
    plain = {path: bytes(data) for path, data in members.items()}
    head = json.loads(plain.pop("submission.json"))
    head["members"] = {path: sha256_bytes(data) for path, data in plain.items()}
    return pack({"submission.json": canonical_json(head), **plain})


FORGED_ROWS = {
    "a space": (b",", b", "),
    "keys in another order": (b'{"average_precision"', b'{"zzz":1,"average_precision"'),
    "a name twice": (b'{"average_precision"', b'{"first_hit":1,"average_precision"'),
    "a long number": (b'"average_precision":', b'"average_precision":0'),
    "a number beyond float64": (b'"average_precision":', b'"average_precision":1e+999,"x":'),
    "an escaped letter": (b'[["', b'[["\\u0061'),
    "a lone surrogate": (b'[["', b'[["\\ud800'),
    "no UTF-8": (b'[["', b'[["\xff'),
    "a control": (b'[["', b'[["\n'),
    "no number": (b'"average_precision":', b'"average_precision":NaN,"x":'),
    "lists in lists": (b"[[", b"[" * 100_000),
    "a comma too many": (b"]]", b"],]"),
    "a text for a number": (b'"first_hit":', b'"first_hit":"x","y":'),
    "a column of truth": (b'{"average', b'{"y_true":1,"average'),
    "a derived column": (b'{"average', b'{"correct":true,"average'),
}


@pytest.mark.parametrize("name", FORGED_ROWS)
def test_rows_that_nobody_writes(name: str, packed: bytes) -> None:
    """Each with a head that fits: none is taken for predictions."""
    members = {path: bytes(data) for path, data in unpack(packed).items()}
    old, new = FORGED_ROWS[name]
    assert old in members[PLACE]
    members[PLACE] = members[PLACE].replace(old, new, 1)
    with pytest.raises(DataError, match="is not a submission") as caught:
        submission_of(with_head(members), "file")
    assert str(caught.value).isprintable()


def test_more_than_a_submission_can_have(packed: bytes, demo: Made) -> None:
    """Of the claims, before a row is read; and of the rows, whatever is claimed. Nobody gets to
    write what nobody can read."""
    members = {path: bytes(data) for path, data in unpack(packed).items()}
    document = json.loads(members["results.json"])
    document["tasks"]["demo-beluga"]["counts"]["test"] = 200_001
    claimed = {"results.json": Results(document).to_json().encode(), PLACE: b"not read"}
    with pytest.raises(DataError, match="task demo-beluga claims 200,001 predictions"):
        submission_of(with_head(members | claimed), "file")
    rows = b"[" + b",".join(b'["%d",0,0,{}]' % i for i in range(200_100)) + b"]"
    with pytest.raises(DataError, match="are more than 200,000"):
        submission_of(with_head(members | {PLACE: rows}), "file")
    forged = Results(document, None, demo.results_held(), demo.digests_held())
    with pytest.raises(DataError, match="cannot be submitted: task demo-beluga claims"):
        submission_bytes(forged)


def test_the_limits_hold_the_suites() -> None:
    """Every task of the specification, and every suite as far as its counts are known."""
    spec = load_spec()
    tests = {id: spec.task(id).counts.test or 0 for id in spec.task_ids()}
    assert max(tests.values()) < submission_rows.MOST_ROWS
    for suite in spec.suites.values():
        assert sum(tests[id] for id in suite.tasks) < submission_rows.MOST_ALL_ROWS


def test_limits(packed: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of members, of their number, and of the file, before it is read whole."""
    for name, most in (("MOST_REST", 10_000), ("MOST_DIGESTS", 100)):
        with monkeypatch.context() as limits:
            limits.setattr(submission, name, most)
            with pytest.raises(DataError, match="MiB of digests of items and"):
                submission_of(packed, "file")
    monkeypatch.setattr(submission, "MOST_MEMBERS", 2)
    with pytest.raises(DataError, match="more than 2 members"):
        submission_of(packed, "file")
    monkeypatch.setattr("biobench.verify.load.MOST_FILE", 10_000)
    (tmp_path / "submission.tar").write_bytes(packed)
    with pytest.raises(DataError, match=r"submission\.tar: has more than"):
        open_result(tmp_path / "submission.tar")


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}(/[a-z.]{1,9}x)?", fullmatch=True),
                       st.binary(max_size=1500), max_size=5))  # fmt: skip
def test_pack_and_unpack(members: dict[str, bytes]) -> None:
    """Packed files come back, in their order."""
    found = unpack(pack(members))
    assert list(found.items()) == list(members.items())


@given(st.data())
def test_no_other_bytes_are_taken(packed: bytes, data: st.DataObject) -> None:
    """A bit changed anywhere: refused, or in a member, whose digest in the head then differs."""
    at = data.draw(st.integers(0, len(packed) - 1))
    changed = bytearray(packed)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DataError):
        submission_of(bytes(changed), "file")


@given(st.binary(max_size=3000))
def test_any_bytes(data: bytes) -> None:
    """No input gives anything but a submission or one line."""
    with pytest.raises(ArchiveError):
        unpack(data)


def test_what_cannot_be_packed(demo: Made) -> None:
    """A task whose name is no name of a member."""
    document = json.loads(json.dumps(demo.results.document))
    document["tasks"] = {"../x": document["tasks"]["demo-beluga"]}
    digests = {
        place.replace("demo-beluga", "../x"): leaves
        for place, leaves in demo.digests_held().items()
    }
    forged = Results(document, None, {"../x": demo.results_held()["demo-beluga"]}, digests)
    with pytest.raises(DataError, match=r"cannot be submitted: .*climbs out"):
        submission_bytes(forged)
