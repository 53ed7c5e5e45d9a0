"""A gradient method lives with an optimizer, and its state goes where that one goes."""

from weakref import WeakKeyDictionary

from torch.optim import Optimizer

from espnet2.train.gradient_method import GradientMethod

# Where a method's state lies in the optimizer's options, and so in every checkpoint.
STATE_KEY = "gradient_method_state"

_methods: WeakKeyDictionary[Optimizer, GradientMethod] = WeakKeyDictionary()


def kept_method(optimizer: Optimizer, new: GradientMethod) -> GradientMethod:
    """Return the method that is kept with an optimizer: ``new``, if it is the first.

    From then on whatever saves the optimizer's state saves the method's, and whatever
    restores it restores the method's. A state that the optimizer was given before is
    taken over.
    """
    if optimizer in _methods:
        return _methods[optimizer]

    def save(_: Optimizer, state_dict: dict) -> None:
        if state := new.state_dict():
            state_dict["param_groups"][0][STATE_KEY] = state

    def restore(restored: Optimizer) -> None:
        new.load_state_dict(restored.param_groups[0].pop(STATE_KEY, {}))

    optimizer.register_state_dict_post_hook(save)
    optimizer.register_load_state_dict_post_hook(restore)
    restore(optimizer)
    _methods[optimizer] = new
    return new
