"""Graphs run where they were told to, or say what loaded instead."""

import dataclasses

import numpy as np
import onnxruntime as ort
import pytest
from xview_deploy.bundle import BundleError, read_bundle
from xview_deploy.runtime.execution import CPU, CUDA, TENSORRT, Execution, ExecutionError, loaded, open_session
from xview_deploy.runtime.onnx_graphs import Graphs
from xview_deploy.runtime.tensorrt_cache import default_root, folder_name, gpu_name, provider_options, tensorrt_version
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_deploy.spec import ContractError


@pytest.fixture(scope="module")
def bundle():
    return read_bundle(SHIPPED_BUNDLE)


@pytest.fixture(scope="module")
def step(bundle) -> bytes:
    return bundle.step


def loads(name: str, model: bytes) -> bool:
    try:
        open_session("step.onnx", model, Execution(name))
    except ExecutionError:
        return False
    return True


def test_auto_takes_cuda_where_it_loads_and_says_what_it_took(step):
    got = loaded(open_session("step.onnx", step, Execution()))
    assert got == (CUDA if loads("cuda", step) else CPU)


def test_cpu_is_the_cpu_whatever_else_there_is(step):
    session = open_session("step.onnx", step, Execution("cpu"))
    assert session.get_providers() == [CPU]


@pytest.mark.parametrize(("name", "provider"), [("cuda", CUDA), ("tensorrt", TENSORRT)])
def test_a_provider_asked_for_by_name_loads_or_is_an_error(step, tmp_path, name, provider):
    execution = Execution(name, engine_cache=str(tmp_path))
    if loads(name, step):
        assert loaded(open_session("step.onnx", step, execution, batch=1)) == provider
        return
    with pytest.raises(ExecutionError, match=f"expected the policy to run on {provider}, got {CPU} .*nvidia-smi"):
        open_session("step.onnx", step, execution, batch=1)


def test_a_required_gpu_that_is_not_there_is_refused(step):
    if loads("cuda", step):
        pytest.skip("this machine has a GPU that ONNX Runtime can use")
    with pytest.raises(ExecutionError, match=r"on a GPU, got CPUExecutionProvider \(.+\): check"):
        open_session("step.onnx", step, Execution(require_gpu=True))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"provider": "cudda"}, "unknown execution provider 'cudda': did you mean 'cuda'"),
        ({"provider": "tensorflow"}, "did you mean 'tensorrt'"),
        ({"provider": ""}, "unknown execution provider '' .known: auto, cpu, cuda, tensorrt"),
        ({"provider": "cpu", "require_gpu": True}, "expected auto, cuda or tensorrt where a GPU is required, got cpu"),
        ({"cuda_graph": True}, "expected cuda where CUDA graphs are wanted, got auto"),
        ({"provider": "tensorrt", "cuda_graph": True}, "expected cuda where CUDA graphs are wanted, got tensorrt"),
        ({"threads": 0}, "threads: expected 1 or more, got 0"),
    ],
)
def test_wishes_that_make_no_sense_are_one_clear_error(wish, message):
    with pytest.raises(ContractError, match=message):
        Execution(**wish)


def test_a_fixed_batch_leaves_no_free_axis(step):
    session = open_session("step.onnx", step, Execution("cpu"), batch=1)
    assert all(isinstance(size, int) for node in session.get_inputs() for size in node.shape)
    assert {node.shape[0] for node in session.get_inputs()} == {1}


def test_a_model_whose_batch_axis_has_another_name_is_not_fixed(step):
    session_of = {"member": "step.onnx", "execution": Execution("cpu"), "batch": 1}
    with pytest.raises(BundleError, match=r"step\.onnx: expected the first axis of each input to be called batch"):
        open_session(model=step.replace(b"batch", b"botch"), **session_of)


def test_a_fixed_batch_changes_no_answer(bundle):
    free, fixed = Graphs(bundle, Execution("cpu")), Graphs(bundle, Execution("cpu"), batch=1)
    side, rng = bundle.metadata.image_size, np.random.default_rng(0)
    image = rng.integers(0, 256, (1, side, side, 3), np.uint8)
    answers = [
        graphs.step(
            image,
            graphs.encode_goal(image, np.ones((1, side, side), np.uint8)),
            np.array([7]),
            np.zeros((1, 3), np.int64),
            graphs.initial_state(1),
        )[0]
        for graphs in (free, fixed)
    ]
    for name, array in dataclasses.asdict(answers[0]).items():
        np.testing.assert_allclose(array, getattr(answers[1], name), atol=1e-4)


def test_engines_are_kept_by_gpu_version_and_model(tmp_path):
    assert folder_name("NVIDIA H200 NVL (PCIe)") == "nvidia-h200-nvl-pcie"
    assert folder_name("../..") == "unnamed"
    try:
        gpu, version = gpu_name(), tensorrt_version()
    except OSError:
        with pytest.raises(OSError, match=r"libcuda|libnvinfer|driver"):
            provider_options(b"model", str(tmp_path), half=False)
        assert list(tmp_path.iterdir()) == []
        return
    options = provider_options(b"model", str(tmp_path), half=True)
    assert options["trt_fp16_enable"] == "1"
    assert options["trt_timing_cache_path"] == str(tmp_path / folder_name(gpu) / version / "timing")
    other = provider_options(b"another", str(tmp_path), half=True)
    assert other["trt_timing_cache_path"] == options["trt_timing_cache_path"]
    assert other["trt_engine_cache_path"] != options["trt_engine_cache_path"]


def test_the_cache_lies_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "xview" / "tensorrt"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == tmp_path / ".cache" / "xview" / "tensorrt"


def test_looking_for_providers_says_nothing_on_the_terminal(step, tmp_path, capfd):
    for name in ("auto", "cuda", "tensorrt"):
        try:
            open_session("step.onnx", step, Execution(name, engine_cache=str(tmp_path)))
        except ExecutionError:
            continue
    assert capfd.readouterr() == ("", "")
    assert ort.get_available_providers()
