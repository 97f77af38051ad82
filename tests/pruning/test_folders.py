"""What lies beside the weights in a directory: all of it goes along, or a sentence says what is in the way."""

import os
from pathlib import Path

import pytest
from safetensors.torch import save_file

from pruneconf import PruneconfError
from pruneconf.pruning import apply, forecast


@pytest.fixture
def folder(model, tmp_path, monkeypatch):
    """A checkpoint's directory `in`, from where tests run."""
    monkeypatch.chdir(tmp_path)
    path = Path("in")
    path.mkdir()
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, path / "model.safetensors")
    (path / "config.json").write_text("{}")
    return path


def test_what_links_lead_to_goes_along(folder, plan):
    Path("blobs/deep").mkdir(parents=True)
    Path("blobs/vocab").write_text("a b c")
    Path("blobs/deep/merges").write_text("a b")
    (folder / "vocab.txt").symlink_to("../blobs/vocab")
    (folder / "tokenizer").symlink_to("../blobs")
    size = forecast(plan, folder, Path("out")).others
    apply(plan, folder, Path("out"))
    for path, text in (("vocab.txt", "a b c"), ("tokenizer/vocab", "a b c"), ("tokenizer/deep/merges", "a b")):
        assert Path("out", path).read_text() == text
        assert not Path("out", path).is_symlink()
    for path in ("vocab.txt", "tokenizer"):
        (folder / path).unlink()
    assert forecast(plan, folder, Path("other")).others == size - len("a b ca b ca b")


def test_weights_in_other_forms_need_not_be_there(folder, plan):
    (folder / "pytorch_model.bin").symlink_to("../nowhere")
    apply(plan, folder, Path("out"))
    assert not Path("out/pytorch_model.bin").exists()


def dangling(folder):
    (folder / "vocab.txt").symlink_to("../blobs/vocab")


def loop(folder):
    (folder / "more").mkdir()
    (folder / "more" / "again").symlink_to("..")


def pipe(folder):
    os.mkfifo(folder / "pipe")


def unreadable_file(folder):
    (folder / "config.json").chmod(0)
    if os.access(folder / "config.json", os.R_OK):
        pytest.skip("this user may read everything")


def unreadable_folder(folder):
    (folder / "more").mkdir(0o300)
    if os.access(folder / "more", os.R_OK):
        pytest.skip("this user may read everything")


@pytest.mark.parametrize("task", [apply, forecast], ids=["apply", "forecast"])
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (dangling, "`in/vocab.txt` is a link to `../blobs/vocab`, which is not there; mend or remove the link"),
        (loop, "`in/more/again` leads back to a directory that it lies in; remove that link"),
        (pipe, "`in/pipe` is no file that can be copied; remove it"),
        (unreadable_file, "cannot read `in/config.json`: permission denied; check its permissions"),
        (unreadable_folder, "cannot read `in/more`: permission denied; check its permissions"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_go_along_is_named(folder, plan, make, sentence, task):
    make(folder)
    with pytest.raises(PruneconfError) as caught:
        task(plan, folder, Path("out"))
    assert str(caught.value) == sentence
    assert [path.name for path in Path().iterdir()] == ["in"]


def test_force_spares_what_links_lead_to(folder, plan):
    Path("out").mkdir()
    Path("out/vocab").write_text("a b c")
    (folder / "vocab.txt").symlink_to("../out/vocab")
    with pytest.raises(PruneconfError, match=r"`out` holds the input `in/vocab\.txt`, which is never overwritten"):
        apply(plan, folder, Path("out"), force=True)
    assert Path("out/vocab").read_text() == "a b c"


@pytest.mark.parametrize("task", [apply, forecast], ids=["apply", "forecast"])
def test_a_place_that_is_not_writable_is_refused_first(folder, plan, task):
    Path("closed").mkdir(0o500)
    if os.access("closed", os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(PruneconfError, match=r"cannot write `.*/closed/out`: permission denied; nothing was written"):
        task(plan, folder, Path("closed/out"))


def no_target(folder):
    (folder / "w.safetensors").symlink_to("nowhere")


def no_disk(folder):
    os.mkfifo(folder / "w.safetensors")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (no_target, "there is no `in/w.safetensors`; it is a link to `nowhere`, mend that"),
        (no_disk, "`in/w.safetensors` is no file that can be read twice; write the checkpoint to a disk first"),
    ],
)
def test_weights_that_are_no_file(folder, plan, make, sentence):
    make(folder)
    with pytest.raises(PruneconfError) as caught:
        apply(plan, folder / "w.safetensors", Path("out"))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("index", [False, True])
def test_weights_that_must_not_be_read(folder, plan, index):
    path = folder / "model.safetensors"
    if index:
        path = folder / "model.safetensors.index.json"
        path.write_text("{}")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(PruneconfError) as caught:
        apply(plan, folder, Path("out"))
    assert str(caught.value) == f"cannot read `{path}`: permission denied; check the path"
