#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The evaluation done the way of scripts around a quantization framework, in PyTorch, for comparison: for accuracy one float
pass, and for each scheme one pass of the model with fake-quantized inputs and weights; then for the layers' errors, for each
scheme again, a float pass and a quantized pass whose layer outputs are kept and compared. Prints seconds of processor time
per image of each part.

Decoding, preparing and scoring are not in it.

MODEL is a constructor of torchvision.models (`resnet50`, `segmentation.lraspp_mobilenet_v3_large`), with random weights; one
thread. Linear layers that attention uses without calling them are left as they are.
"""
import argparse
import copy
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
        if name not in ranges:
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


def build(name, classes):
    module, _, constructor = name.rpartition('.')
    options = {'weights_backbone': None, 'num_classes': classes} if module == 'segmentation' else {}
    package = getattr(torchvision.models, module) if module else torchvision.models
    return getattr(package, constructor)(weights=None, **options).eval()


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('--images', type=int, default=8)
    parser.add_argument('--size', default='224x224', help='HEIGHTxWIDTH')
    parser.add_argument('--classes', type=int, default=19, help='of a segmentation model')
    given = parser.parse_args()
    model = build(given.model, given.classes)
    images = [torch.randn(1, 3, *map(int, given.size.split('x'))) for _ in range(given.images)]
    ranges = {}
    hooks = watch(model, lambda n, x, y: ranges.__setitem__(n, max(ranges.get(n, 1e-8), float(x.abs().max()))))
    timed(model, images[:2])
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
    main()
