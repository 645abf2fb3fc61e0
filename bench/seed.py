#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The evaluation done the way of scripts around a quantization framework, in PyTorch, for comparison: for accuracy one float
pass, and for each scheme one pass of the model with fake-quantized inputs and weights; then for the layers' errors, for each
scheme again, a float pass and a quantized pass whose layer outputs are kept and compared. Prints seconds of processor time
per image of each part.

usage: seed.py MODEL [IMAGES]    MODEL: a constructor of torchvision.models, random weights; one thread
"""
import copy
import sys
import time

import torch
import torchvision

torch.set_num_threads(1)
LAYERS = (torch.nn.Conv2d, torch.nn.Linear, torch.nn.LayerNorm)


def fp8(x, scale):
    x = x / scale
    a = x.abs().clamp(max=448.0)
    e = torch.floor(torch.log2(a.clamp(min=2.0**-6)))
    step = torch.exp2(e - 3)
    return torch.sign(x) * torch.round(a / step) * step * scale


def affine(x, scale):
    return torch.clamp(torch.round(x / scale), -128, 127) * scale


def weight_scale(w, kind):
    if kind == 'channel':
        return w.flatten(1).abs().amax(1).reshape([-1] + [1] * (w.dim() - 1)) / 127.5
    top = w.abs().max() / (448.0 if kind == 'fp8' else 127.5)
    return torch.exp2(torch.ceil(torch.log2(top))) if kind == 'pow2' else top


def quantized_copy(model, kind, ranges):
    """The model with its weights on the grid, once, and hooks that put each layer's input there."""
    copied = copy.deepcopy(model)
    put = fp8 if kind == 'fp8' else affine
    for name, m in copied.named_modules():
        if not isinstance(m, LAYERS):
            continue
        scale = torch.tensor(ranges[name] / (448.0 if kind == 'fp8' else 127.5))
        scale = torch.exp2(torch.ceil(torch.log2(scale))) if kind == 'pow2' else scale
        if not isinstance(m, torch.nn.LayerNorm):
            m.weight.data = put(m.weight.data, weight_scale(m.weight.data, kind))
        m.register_forward_pre_hook(lambda m, x, s=scale: (put(x[0], s),))
    return copied


def watch(model, keep):
    return [m.register_forward_hook(lambda m, x, y, n=n: keep(n, x[0], y)) for n, m in model.named_modules() if isinstance(m, LAYERS)]


def timed(model, images):
    begin = time.process_time()
    for x in images:
        model(x)
    return (time.process_time() - begin) / len(images)


def errors(model, quantized, images):
    """A float and a quantized pass, the layers' outputs compared."""
    reference, sums = {}, {}

    def compare(n, _, y):
        r = reference[n].flatten()
        d = y.flatten() - r
        e, b = sums.get(n, (0.0, 0.0))
        sums[n] = (e + float(d.dot(d)), b + float(r.dot(r)))

    hooks = watch(model, lambda n, x, y: reference.__setitem__(n, y)) + watch(quantized, compare)
    begin = time.process_time()
    for x in images:
        model(x)
        quantized(x)
    seconds = (time.process_time() - begin) / len(images)
    for h in hooks:
        h.remove()
    return seconds


@torch.no_grad()
def main():
    name, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8
    model = getattr(torchvision.models, name)().eval()
    images = [torch.randn(1, 3, 224, 224) for _ in range(count)]
    ranges = {}
    hooks = watch(model, lambda n, x, y: ranges.__setitem__(n, max(ranges.get(n, 1e-8), float(x.abs().max()))))
    timed(model, images)
    for h in hooks:
        h.remove()
    total = timed(model, images)
    print(f'float {total:.4f}')
    for kind in ('channel', 'pow2', 'fp8'):
        quantized = quantized_copy(model, kind, ranges)
        accuracy, error = timed(quantized, images), errors(model, quantized, images)
        print(f'{kind} {accuracy:.4f} errors {error:.4f}')
        total += accuracy + error
    print(f'total {total:.4f}')


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
