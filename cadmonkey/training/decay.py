"""Which parameters weight decay pulls towards zero: the matrices, LoRA's among them."""

from typing import Any


def decayed_parameters(model: Any) -> list[str]:
    """Return the names of the trained matrices of `model`: no norms, biases, embeddings or single token rows.

    Decay of an embedding pulls tokens that a batch lacks towards zero, and that of a norm's gain changes the scale of
    a whole layer. A head that is tied to the embedding counts as embedding.
    """
    from peft.tuners.trainable_tokens import TrainableTokensLayer
    from torch import nn

    rows = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding | TrainableTokensLayer)
        for parameter in module.parameters()
    }
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.ndim >= 2 and id(parameter) not in rows
    ]
