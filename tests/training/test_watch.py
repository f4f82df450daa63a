"""A fault planted in a real training run is seen and named; a right run is left in peace."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import NO_LOSS, Example, encode
from cadmonkey.errors import InputError, RunError
from cadmonkey.files import read_jsonl
from cadmonkey.training.engines import add_adapter, load_base, load_tokenizer
from cadmonkey.training.examples import Examples
from cadmonkey.training.finetune import finetune
from cadmonkey.training.plan import make_plan
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import check_rows, rows_to_train, start_rows
from cadmonkey.training.samples import answer
from cadmonkey.training.trainer import build_trainer, run_training
from cadmonkey.training.watch import Watch, check_reporters

torch = pytest.importorskip("torch")
pytest.importorskip("trl")


@dataclass
class Run:
    """A run that is about to start, for a test to plant its fault in."""

    recipe: Recipe
    out: Path
    tokenizer: Any
    model: Any
    train: list[Example]
    held_out: list[Example]

    def trainer(self) -> Any:
        plan = make_plan(self.recipe, [], Examples(self.train, {}), Examples(self.held_out, {}))
        return build_trainer(self.model, self.tokenizer, self.recipe, plan, self.train, self.held_out, self.out)

    def go(self, plant: Callable[[Any], None] = lambda trainer: None) -> list[str]:
        """Train, and return the names of the alarms."""
        trainer = self.trainer()
        plant(trainer)
        run_training(trainer, self.out)
        return self.alarms()

    def alarms(self) -> list[str]:
        path = self.out / "alarms.jsonl"
        return [line["alarm"] for line in read_jsonl(path)] if path.exists() else []

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [line for line in read_jsonl(self.out / "metrics.jsonl") if name in line]


@pytest.fixture
def new_run(small_recipe: Recipe, tiny_llama: Path, tmp_path: Path) -> Callable[..., Run]:
    """Makes runs of cubes on the tiny Llama; `changes` are fields of the recipe."""

    def make(repair: bool = True, **changes: Any) -> Run:
        settings = {"learning_rate": 1e-2, "max_steps": 40, "eval_steps": 20, "warmup_steps": 0} | changes
        recipe = replace(small_recipe, base_model=str(tiny_llama), **settings)
        tokenizer = load_tokenizer(recipe.base_model)
        base = load_base(recipe)
        rows = rows_to_train(check_rows(base, tokenizer)) if repair else {}
        model = add_adapter(base, recipe, rows)
        start_rows(model, tokenizer, rows, recipe.seed)
        train, held_out = ([cube(tokenizer, size) for size in sizes] for sizes in (range(10, 34), range(40, 44)))
        return Run(recipe, tmp_path, tokenizer, model, train, held_out)

    return make


NewRun = Callable[..., Run]


def cube(tokenizer: Any, size: int) -> Example:
    return encode(tokenizer, f"a {size} mm cube", f"cube([{size}, {size}, {size}]);")


def babble(example: Example, seed: int) -> Example:
    """Random tokens for its answer."""
    generator = torch.Generator().manual_seed(seed)
    count = sum(label != NO_LOSS for label in example.labels)
    words = torch.randint(0, 256, (count,), generator=generator).tolist()
    return Example(example.input_ids[:-count] + words, [NO_LOSS] * (len(example.labels) - count) + words)


def test_a_right_run_raises_nothing_and_its_figures_are_written(new_run: NewRun) -> None:
    run = new_run(max_steps=120, eval_steps=60, on_alarm="stop", early_stopping_patience=2)
    assert run.go() == []
    training, held_out = run.lines("loss"), run.lines("eval_loss")
    assert len(training) == 120
    assert training[0].keys() >= {"step", "epoch", "learning_rate", "grad_norm", "token_accuracy", "tensors_moved"}
    assert [line["step"] for line in held_out] == [60, 120]
    assert held_out[-1]["eval_p_end"] > 0.5
    assert 0 < held_out[-1]["eval_token_accuracy"] <= 1
    assert held_out[-1]["eval_perplexity"] == pytest.approx(2.718281828 ** held_out[-1]["eval_loss"])
    assert (run.out / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_weights_without_a_gradient_are_seen(new_run: NewRun) -> None:
    run = new_run(repair=False, max_steps=12)
    with torch.no_grad():
        for name, weight in run.model.named_parameters():
            if "lora_A" in name:
                weight.zero_()  # B stands at 0 as well: neither has a gradient any more
    assert run.go()[:2] == ["zero gradient", "weights do not move"]


def test_an_optimizer_that_holds_other_weights_is_seen(new_run: NewRun) -> None:
    def plant(trainer: Any) -> None:
        trainer.optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))])

    assert "weights do not move" in new_run(max_steps=12).go(plant)


def test_a_rate_of_next_to_nothing_is_seen(new_run: NewRun) -> None:
    assert "weights do not move" in new_run(learning_rate=1e-30, max_steps=12).go()


def test_labels_that_are_all_masked_are_seen(new_run: NewRun) -> None:
    run = new_run(max_steps=4)
    run.train = [Example(example.input_ids, [NO_LOSS] * len(example.labels)) for example in run.train]
    with pytest.raises(RunError, match=r"not finite: .*no label in the loss"):
        run.go()
    assert run.alarms() == ["not finite"]


def test_a_rate_that_blows_up_ends_the_run(new_run: NewRun) -> None:
    run = new_run(learning_rate=1e30)
    with pytest.raises(RunError, match=r"step \d+: not finite: .*--learning-rate"):
        run.go()


def test_answers_that_have_nothing_to_do_with_their_prompts_are_seen(new_run: NewRun) -> None:
    run = new_run(learning_rate=1e-4)
    run.train = [babble(example, seed) for seed, example in enumerate(run.train)]
    assert "flat loss" in run.go()


def test_a_foreign_batch_is_seen_as_a_spike(new_run: NewRun) -> None:
    def plant(trainer: Any) -> None:
        step = trainer.training_step

        def babbled(model: Any, inputs: dict[str, Any], *rest: Any) -> Any:
            if trainer.state.global_step == 50:
                labels = inputs["labels"]
                inputs["labels"] = torch.where(labels == NO_LOSS, labels, torch.arange(labels.numel()).view_as(labels))
            return step(model, inputs, *rest)

        trainer.training_step = babbled

    run = new_run(max_steps=55, eval_steps=55)
    assert run.go(plant) == ["loss spike"]
    assert read_jsonl(run.out / "alarms.jsonl")[0]["step"] == 51


def test_a_schedule_made_for_fewer_steps_is_seen(new_run: NewRun) -> None:
    from transformers import get_linear_schedule_with_warmup

    def plant(trainer: Any) -> None:
        trainer.create_optimizer()
        trainer.lr_scheduler = get_linear_schedule_with_warmup(trainer.optimizer, 0, 20)

    assert new_run().go(plant) == ["learning rate spent"]


def test_rows_learnt_by_heart_are_seen(new_run: NewRun) -> None:
    assert "overfitting" in by_heart(new_run).go()


def test_early_stopping_keeps_the_best_adapter(new_run: NewRun) -> None:
    run = by_heart(new_run, early_stopping_patience=2)
    trainer = run.trainer()
    run_training(trainer, run.out)
    losses = {line["step"]: line["eval_loss"] for line in run.lines("eval_loss")}
    best = min(losses, key=lambda step: losses[step])
    assert max(losses) == best + 2 * 5 < 40
    assert "early stopping" in run.alarms()
    assert (run.out / f"checkpoint-{best}").is_dir()
    assert trainer.evaluate()["eval_loss"] == pytest.approx(losses[best], abs=1e-5)


def by_heart(new_run: NewRun, **changes: Any) -> Run:
    """Four rows, and held-out ones that answer the same prompts otherwise: what is learnt of the first hurts there."""
    run = new_run(
        eval_steps=5,
        learning_rate=2e-2,
        lora_rank=32,
        lora_alpha=64,
        lr_scheduler_type="constant_with_warmup",
        max_steps=60,
        **changes,
    )
    run.train = run.train[:4]
    run.held_out = [babble(example, seed) for seed, example in enumerate(run.train)]
    return run


def test_an_end_token_outside_the_loss_is_seen(new_run: NewRun) -> None:
    run = new_run(max_steps=100, eval_steps=50)
    run.train = [Example(example.input_ids, [*example.labels[:-1], NO_LOSS]) for example in run.train]
    assert run.go() == ["end token not learnt"]
    (line,) = read_jsonl(run.out / "alarms.jsonl")
    assert line.keys() == {"step", "alarm", "diagnosis"}
    assert line["step"] == 100


def test_an_alarm_ends_the_run_where_the_recipe_says_so(new_run: NewRun) -> None:
    run = new_run(learning_rate=1e-30, on_alarm="stop")
    with pytest.raises(RunError, match=r"step 10: weights do not move: .*--learning-rate"):
        run.go()
    assert len(run.lines("loss")) == 10


def test_a_resumed_run_says_nothing_twice_and_forgets_what_it_does_again(new_run: NewRun) -> None:
    class Killed(Exception):
        pass

    def plant(trainer: Any) -> None:
        step = trainer.training_step

        def die(*args: Any, **kwargs: Any) -> Any:
            if trainer.state.global_step == 30:
                raise Killed
            return step(*args, **kwargs)

        trainer.training_step = die

    settings = {"learning_rate": 1e-30, "save_steps": 20, "sample_prompts": ("a 5 mm cube",), "eval_steps": 10}
    with pytest.raises(Killed):
        new_run(**settings).go(plant)
    run = new_run(**settings)
    assert run.alarms().count("weights do not move") == 1
    assert run.go().count("weights do not move") == 1
    assert [line["step"] for line in run.lines("loss")] == list(range(1, 41))
    assert [line["step"] for line in read_jsonl(run.out / "samples.jsonl")] == [10, 20, 30, 40]


def test_a_process_that_is_not_the_first_judges_and_writes_nothing(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    run = new_run(sample_prompts=("a cube",))
    plan = make_plan(run.recipe, [], Examples(run.train, {}), Examples(run.held_out, {}))
    watch = Watch(run.tokenizer, run.recipe, plan, run.held_out, run.out)
    watch.begin(0, run.model)
    line = watch.metrics.log(1, {"loss": "nan", "epoch": 0.1})
    assert line is not None
    watch.sample(run.model, 1)
    with pytest.raises(RunError, match=r"step 1: not finite: the loss is nan"):
        watch.judge(line)
    assert list(run.out.iterdir()) == []


def test_the_held_out_prompts_are_answered_at_each_evaluation(
    tiny_llama: Path, small_recipe: Recipe, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finetune(replace(small_recipe, base_model=str(tiny_llama), max_steps=2, eval_steps=1), run_folder)
    samples = read_jsonl(run_folder / "samples.jsonl")
    assert [(line["step"], line["prompt"]) for line in samples] == [
        (step, f"a {size} mm cube") for step in (1, 2) for size in (6, 12, 18)
    ]
    assert samples[0].keys() == {"step", "prompt", "answer", "tokens", "stopped", "control_tokens"}
    assert "sample: 'a 6 mm cube' -> " in capsys.readouterr().out


def test_samples_leave_the_random_state_and_the_mode_as_they_were(new_run: NewRun) -> None:
    run = new_run()
    run.model.train()
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again = (
        answer(run.model, run.tokenizer, ["a cube", "a longer sentence"], max_new_tokens=8, temperature=1.0, seed=3)
        for _ in range(2)
    )
    assert first == again
    assert torch.equal(torch.rand(3), expected)
    assert run.model.training


def test_a_batch_of_answers_is_what_each_prompt_gets_alone(new_run: NewRun) -> None:
    run = new_run()
    prompts = ["a cube", "a much longer sentence about a cube of 10 mm"]
    together = answer(run.model, run.tokenizer, prompts, max_new_tokens=12)
    alone = [answer(run.model, run.tokenizer, [prompt], max_new_tokens=12)[0] for prompt in prompts]
    assert together == alone


def test_reporters_that_are_unknown_or_absent_are_refused_in_words(small_recipe: Recipe) -> None:
    with pytest.raises(InputError, match="--report-to: expected tensorboard, wandb, trackio, got 'excel'"):
        check_reporters(replace(small_recipe, report_to=("excel",)))
    for name in ("tensorboard", "wandb", "trackio"):
        if find_spec(name) is None:
            with pytest.raises(InputError, match=f"pip install {name}"):
                check_reporters(replace(small_recipe, report_to=(name,)))


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="needs tensorboard")
def test_tensorboard_gets_the_figures_of_the_watch(new_run: NewRun) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = new_run(max_steps=2, eval_steps=2, report_to=("tensorboard",))
    run.go()
    (events,) = run.out.rglob("events.out.tfevents.*")
    scalars = EventAccumulator(str(events)).Reload().Tags()["scalars"]
    assert {"train/loss", "eval/loss", "eval/p_end"} <= set(scalars)
