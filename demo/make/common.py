# SPDX-License-Identifier: Apache-2.0
"""What every task's script shares: command line, seeds, cached pictures, the training loop, layers, export.

Training goes by steps. A step's batch depends on (seed, step) alone and a checkpoint holds everything else, so a
training that was interrupted and goes on ends as one that was not.
"""
import argparse
import os
import pathlib
import time

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parent
SEED = 20261128
OPSET = 17
TRIAL = bool(os.environ.get("OQZ_DEMO_TRIAL"))  # hardly any training: shows that the scripts run, makes nothing of use
SPLITS = {"train": 1, "calib": 2, "test": 3}


def options(what):
    p = argparse.ArgumentParser(description=what)
    p.add_argument("what", choices=["data", "model"], help="write the data set, or train and export a model")
    p.add_argument("name", nargs="?", help="which model")
    p.add_argument("--work", type=pathlib.Path, default=DEMO / "work", help="folder of caches and checkpoints")
    o = p.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    return o


def rng_of(split, index):
    """The stream of one picture: no two pictures of a data set share one."""
    return np.random.default_rng((SEED, SPLITS[split], index))


def unless_trial(n, few):
    return few if TRIAL else n


def cached(work, name, n, make):
    """Arrays of n training samples, made once: make(i) gives a tuple of arrays of fixed shapes."""
    path = work / f"{name}-{n}.npz"
    if not path.exists():
        begin = time.time()
        samples = [make(i) for i in range(n)]
        arrays = [np.stack(a) for a in zip(*samples)]
        np.savez(path.with_suffix(".part.npz"), *arrays)
        os.replace(path.with_suffix(".part.npz"), path)
        print(f"{name}: {n} training samples in {time.time() - begin:.0f} s", flush=True)
    with np.load(path) as f:
        return [f[k] for k in f.files]


# ------------------------------------------------------------------------------------------------ layers


def conv_bn(c_in, c_out, k=3, stride=1, groups=1, act=nn.ReLU):
    layers = [nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet's basic block)."""

    def __init__(self, c_in, c_out, stride=1, act=nn.ReLU):
        super().__init__()
        self.body = nn.Sequential(conv_bn(c_in, c_out, 3, stride, act=act), conv_bn(c_out, c_out, act=None))
        same = stride == 1 and c_in == c_out
        self.skip = nn.Identity() if same else conv_bn(c_in, c_out, 1, stride, act=None)
        self.act = act()

    def forward(self, x):
        return self.act(self.body(x) + self.skip(x))


# ------------------------------------------------------------------------------------------------ training


def rate(step, steps, peak, warm=0.08):
    """One cycle: linear warm-up, then a cosine to nearly 0."""
    t = step / steps
    return peak * (t / warm + 0.01 if t < warm else 0.5 * (1 + np.cos(np.pi * (t - warm) / (1 - warm))) + 1e-3)


def train(work, name, net, batch, loss, steps, peak=2e-3, decay=0.02, every=100, report=None, bf16=False):
    """batch(rng) gives tensors, loss(net, *tensors) a scalar. AdamW; report(net) is printed now and then. bf16: products
    in bfloat16, much faster for matrices where the CPU has units for them."""
    steps = unless_trial(steps, 2)
    path, begin, total = work / f"{name}.pt", time.time(), 0.0
    opt = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=decay)
    first = 0
    if path.exists():
        state = torch.load(path)
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        first = state["step"]
    net.train()
    for step in range(first, steps):
        for g in opt.param_groups:
            g["lr"] = rate(step, steps, peak)
        torch.manual_seed(SEED + step)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            value = loss(net, *batch(np.random.default_rng((SEED, 9, step))))
        opt.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        total += float(value)
        if (step + 1) % every == 0 or step + 1 == steps:
            torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "step": step + 1}, path.with_suffix(".part"))
            os.replace(path.with_suffix(".part"), path)
            told = ""
            if report and ((step + 1) % (5 * every) == 0 or step + 1 == steps):
                net.eval()
                with torch.no_grad():
                    told = report(net)
                net.train()
            print(f"{name}: step {step + 1}/{steps} loss {total / every:.4f} {told} ({time.time() - begin:.0f} s)",
                  flush=True)
            total = 0.0
    net.eval()
    return net


def export(net, example, name, inputs=("image",), outputs=("scores",), dynamic=None, opset=OPSET):
    """demo/models/<name>.onnx, batch normalisation folded into the convolutions before it."""
    path = DEMO / "models" / f"{name}.onnx"
    path.parent.mkdir(exist_ok=True)
    net.eval()
    torch.onnx.export(net, example, str(path), opset_version=opset, input_names=list(inputs), output_names=list(outputs),
                      dynamic_axes=dynamic, do_constant_folding=True)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {sum(p.numel() for p in net.parameters())} weights", flush=True)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def normalised(images, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)):
    """uint8 (N,H,W,C) to float (N,C,H,W)."""
    x = (images.astype(np.float32) - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
