"""Muon and AdamW step as one optimizer, and a resumed run is the run that was not stopped."""

import pytest

pytest.importorskip("torch")

import torch

from cadmonkey.training.muon import MuonAdamW


def small_model() -> torch.nn.Module:
    torch.manual_seed(0)
    model = torch.nn.Sequential()
    model.add_module("embed", torch.nn.Embedding(12, 8))
    model.add_module("inner", torch.nn.Linear(8, 8, bias=False))
    model.add_module("norm", torch.nn.LayerNorm(8))
    model.add_module("lm_head", torch.nn.Linear(8, 12, bias=False))
    return model


def optimizer_of(model: torch.nn.Module) -> MuonAdamW:
    return MuonAdamW(model, lr=1e-2, embedding_lr=1e-3, weight_decay=0.1)


def step(model: torch.nn.Module, optimizer: MuonAdamW, seed: int) -> float:
    ids = torch.randint(12, (16,), generator=torch.Generator().manual_seed(seed))
    loss = torch.nn.functional.cross_entropy(model(ids), ids)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def test_every_parameter_is_stepped_once_matrices_by_muon() -> None:
    model = small_model()
    optimizer = optimizer_of(model)
    stepped = [p for group in optimizer.param_groups for p in group["params"]]
    assert len(stepped) == len({id(p) for p in stepped}) == len(list(model.parameters()))
    muon, adamw = optimizer.param_groups
    assert [tuple(p.shape) for p in muon["params"]] == [(8, 8)]
    assert (muon["weight_decay"], adamw["weight_decay"]) == (0.1, 0.0)
    losses = [step(model, optimizer, seed) for seed in range(150)]
    assert losses[-1] < losses[0] / 2


def test_a_schedule_moves_the_rates_of_both() -> None:
    model = small_model()
    optimizer = optimizer_of(model)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step(model, optimizer, 0)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_a_resumed_run_equals_the_run_that_was_not_stopped() -> None:
    whole = small_model()
    optimizer = optimizer_of(whole)
    for seed in range(6):
        step(whole, optimizer, seed)
    first = small_model()
    optimizer = optimizer_of(first)
    for seed in range(3):
        step(first, optimizer, seed)
    second = small_model()
    second.load_state_dict(first.state_dict())
    resumed = optimizer_of(second)
    resumed.load_state_dict(optimizer.state_dict())
    for seed in range(3, 6):
        step(second, resumed, seed)
    for left, right in zip(whole.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(left, right)
