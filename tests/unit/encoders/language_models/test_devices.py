"""Devices and number formats: what is requested, and what is available."""

import pytest
import torch

from perturbkg.encoders._language_models import devices
from perturbkg.errors import InputError


@pytest.fixture(params=[True, False], ids=["with CUDA", "without CUDA"])
def there(request, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


def test_auto_chooses_cuda_if_available(there):
    assert devices.choose("auto").type == ("cuda" if there else "cpu")


def test_the_cpu_can_be_requested(there):
    assert devices.choose("cpu").type == "cpu"


def test_cuda_is_used_or_reported_as_absent(there):
    if there:
        assert devices.choose("cuda").type == "cuda"
    else:
        with pytest.raises(InputError, match=r"device: cuda was asked for.*write auto or cpu") as error:
            devices.choose("cuda")
        assert "\n" not in str(error.value)


def test_an_unknown_device_is_reported():
    with pytest.raises(InputError, match="device: 'tpu' is not known"):
        devices.choose("tpu")


@pytest.mark.parametrize(
    ("has", "dtype"),
    [({"avx512_bf16": True}, torch.bfloat16), ({"amx_bf16": True}, torch.bfloat16), ({}, torch.float32)],
)
def test_a_cpu_computes_in_bfloat16_only_if_it_can(has, dtype, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert devices.precision("auto", torch.device("cpu")) == dtype
    assert devices.precision("auto", torch.device("cuda")) == torch.bfloat16
    assert devices.precision("float32", torch.device("cuda")) == torch.float32


def test_an_unknown_number_format_is_reported():
    with pytest.raises(InputError, match="dtype: 'float16' is not known"):
        devices.precision("float16", torch.device("cpu"))


def test_every_device_has_a_batch_size():
    assert set(devices.TOKENS) == {"cpu", "cuda"}
