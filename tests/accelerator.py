"""A device that isn't there: tensors on the CPU that answer as if they were on cuda or mps.

Within an :class:`Accelerator` every tensor that is made on its device, or moved there, is
computed on the CPU, and says that it is on the device. Mixing it with a tensor on the CPU is
refused, and so are float64 and kernels that Apple's accelerators don't have. Each time the host
needs a value, that is counted as a wait.
"""

from __future__ import annotations

import contextlib
import traceback

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

aten = torch.ops.aten
WAITS = {  # the host needs a value, or a size that depends on values
    aten._local_scalar_dense, aten.is_nonzero, aten.equal, aten.nonzero, aten.masked_select,
    aten.bincount, aten.unique_dim, aten._unique2, aten.unique_consecutive,
}  # fmt: skip
NO_MPS_KERNEL = {
    aten.linalg_eigvals, aten.linalg_eig, aten._linalg_eigvals, aten._linalg_eigh,
    aten._pdist_forward, aten.linalg_lstsq, aten.histogram, aten.histogramdd,
}  # fmt: skip
INDEXED = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
NO_FLOAT64 = "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support it"


class OnDevice(Tensor):
    """A tensor whose numbers are in ``elem``, on the CPU, and which says it is on a device."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, elem: Tensor, accelerator: Accelerator) -> OnDevice:
        accelerator.check_dtype(elem.dtype)
        result = Tensor._make_wrapper_subclass(
            cls, elem.shape, elem.stride(), elem.storage_offset(), dtype=elem.dtype,
            device="cpu", requires_grad=elem.requires_grad,
        )  # fmt: skip
        result.elem, result.accelerator = elem.detach(), accelerator
        return result

    device = property(lambda self: self.accelerator.device)
    is_cpu = property(lambda self: False)
    is_cuda = property(lambda self: self.device.type == "cuda")
    is_mps = property(lambda self: self.device.type == "mps")

    def __repr__(self) -> str:
        return f"{self.elem!r} on {self.device}"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.dim() == 0 else repr(self)

    def __deepcopy__(self, memo: dict) -> OnDevice:
        if id(self) not in memo:
            copied = OnDevice(self.elem.clone(), self.accelerator)
            is_parameter = getattr(self, "_is_param", False)
            copied = torch.nn.Parameter(copied, self.requires_grad) if is_parameter else copied
            memo[id(self)] = copied
        return memo[id(self)]

    def __reduce_ex__(self, protocol: int):
        self.accelerator.wait("pickle")
        return self.elem.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        accelerator = next(value.accelerator for value in leaves if isinstance(value, OnDevice))
        return accelerator.compute(func, leaves, args, kwargs)


class ToDevice(torch.autograd.Function):
    """Moves a tensor to the pretended device; its gradient moves back."""

    @staticmethod
    def forward(ctx, value, accelerator):
        ctx.accelerator = accelerator
        return OnDevice(value.clone(), accelerator)

    @staticmethod
    def backward(ctx, gradient):
        return (gradient.elem if isinstance(gradient, OnDevice) else gradient), None


class ToCPU(torch.autograd.Function):
    """Moves a tensor from the pretended device; its gradient moves there again."""

    @staticmethod
    def forward(ctx, value):
        ctx.accelerator = value.accelerator
        return value.elem.clone()

    @staticmethod
    def backward(ctx, gradient):
        there = isinstance(gradient, OnDevice)  # of a single number on the way
        return gradient if there else OnDevice(gradient, ctx.accelerator)


class Accelerator(TorchFunctionMode):
    """Within it there is a device of this kind, ``"cuda"`` or ``"mps"``.

    ``waits`` counts how often the host has waited for it, ``places`` says where in the package.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.device = kind, torch.device(kind, 0)
        self.waits, self.places = 0, []
        self.flag = contextlib.ExitStack()

    def __enter__(self):
        future = torch.__future__
        before = future.get_overwrite_module_params_on_conversion()
        future.set_overwrite_module_params_on_conversion(True)
        self.flag.callback(future.set_overwrite_module_params_on_conversion, before)
        return super().__enter__()

    def __exit__(self, *error):
        self.flag.close()
        return super().__exit__(*error)

    def wait(self, why: object) -> None:
        self.waits += 1
        stack = [f for f in traceback.extract_stack(limit=30) if "aae_lessons" in f.filename]
        where = f"{stack[-1].filename.split('/')[-1]}:{stack[-1].lineno}" if stack else "a test"
        self.places.append(f"{why} in {where}")

    def check_dtype(self, dtype: torch.dtype) -> None:
        if self.kind == "mps" and dtype in (torch.float64, torch.complex128):
            raise TypeError(NO_FLOAT64)

    # ------------------------------------------------------------------ below autograd

    def compute(self, func, leaves, args, kwargs):
        """One operation on tensors of which at least one is on the device."""
        packet = func.overloadpacket
        self._check_devices(packet, leaves, args)
        if self.kind == "mps" and packet in NO_MPS_KERNEL:
            raise NotImplementedError(f"{func} has no kernel on mps")
        if packet in WAITS or self._masks(packet, args):
            self.wait(func)
        plain = tree_map_only(OnDevice, lambda value: value.elem, (args, kwargs))
        plain[1].pop("device", None)
        result = func(*plain[0], **plain[1])
        if result is None:
            return None
        if func._schema.name.endswith("_") or "out" in kwargs:  # changed in place
            return kwargs.get("out", args[0])
        return tree_map_only(Tensor, lambda value: OnDevice(value, self), result)

    def _check_devices(self, packet, leaves, args) -> None:
        strangers = [v for v in leaves if not isinstance(v, OnDevice) and v.dim() > 0]
        if not strangers or torch._C._current_graph_task_id() != -1:
            return  # in a backward pass, autograd fills in zeros where it thinks that it is
        if packet in (aten.copy_, aten._to_copy):
            if not isinstance(args[0], OnDevice):
                self.wait(packet)
            return
        if packet in INDEXED and isinstance(args[0], OnDevice):
            others = [v for v in strangers if all(v is not index for index in args[1])]
            if not others:  # indices may be on the CPU, and are then copied
                return self.wait(packet)
        raise RuntimeError(f"{packet}: all tensors have to be on one device, {self.device} or cpu")

    @staticmethod
    def _masks(packet, args) -> bool:
        """Whether positions are chosen by a mask: how many there are has to be waited for."""
        return packet in INDEXED and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )

    # ------------------------------------------------------------------ as Python calls it

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in (Tensor.to, Tensor.cpu, Tensor.cuda):
            return self._move(func, args, kwargs)
        first = args[0] if args and isinstance(args[0], OnDevice) else None
        if first is not None:
            if func is Tensor.tolist:
                self.wait("tolist")
                return first.elem.tolist()
            if func in (Tensor.numpy, Tensor.__array__):
                raise TypeError(f"can't convert {self.device} tensor to numpy; use .cpu() first")
            if func is F.one_hot:  # looks at the values on the CPU only
                return OnDevice(func(first.elem, *args[1:], **kwargs), self)
            if func is Tensor.new_tensor and "device" not in kwargs:
                return self._on(func(first.elem, *args[1:], **kwargs), self.device)
            if func is Tensor.get_device:
                return 0
            if func is Tensor.data.__set__:
                first.elem = args[1].elem
                return None
        if kwargs.get("device") is None or func is torch.Generator:
            return func(*args, **kwargs)
        device = torch.device(kwargs.pop("device"))
        self._check_generator(kwargs.get("generator"), device)
        if device.type == self.kind and isinstance(kwargs.get("dtype"), torch.dtype):
            self.check_dtype(kwargs["dtype"])
        needs_gradient = kwargs.pop("requires_grad", False)
        result = self._on(func(*args, **kwargs), device).detach()
        return result.requires_grad_() if needs_gradient else result

    def _check_generator(self, generator, device) -> None:
        if generator is not None and generator.device.type != device.type:
            raise RuntimeError(f"a generator on {generator.device} can't draw on {device}")

    def _move(self, func, args, kwargs):
        value, *rest = args
        if func in (Tensor.cpu, Tensor.cuda):
            return self._on(value, "cpu" if func is Tensor.cpu else "cuda", waits=True)
        named = [kwargs.get("device"), kwargs.get("dtype"), *rest]
        named += [part for v in rest if isinstance(v, Tensor) for part in (v.device, v.dtype)]
        targets = [v for v in named if isinstance(v, str | torch.device)]
        dtypes = [v for v in named if isinstance(v, torch.dtype)]
        value = self._on(value, targets[0], waits=True) if targets else value
        return value.to(dtype=dtypes[0]) if dtypes else value

    def _on(self, value: Tensor, device, waits: bool = False) -> Tensor:
        there, here = torch.device(device).type == self.kind, isinstance(value, OnDevice)
        if there == here:
            return value
        if there:
            return ToDevice.apply(value, self)
        if waits:
            self.wait("cpu")
        return ToCPU.apply(value)
