"""One batch of L-BFGS searches, advanced a part at a time.

There are two: one with a line search of our own, whose members do not wait for one another, and
tensorflow-probability's `lbfgs_minimize` as it is.
"""

import typing

import tensorflow as tf

ValueAndGradient = typing.Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

PAIRS = 20  # of position and gradient differences that are remembered
FIRST_STEP = 1.0  # length of the first step; z fills a cube of side 2
TRIALS = 20  # points a line search looks at, at most
DECREASE, CURVATURE = 1e-4, 0.9  # of the Wolfe conditions, as in SciPy's L-BFGS-B
SHORTEST, LONGEST = 0.1, 5.0  # factors by which a line search changes its step


class State(typing.NamedTuple):
    """Where the searches of a batch are.

    Attributes:
        results: tensorflow-probability's `LBfgsOptimizerResults`: position, value, gradient and the remembered differences.
        direction: [batch, n] of the line search.
        slope: [batch], of the objective along it.
        step, low, high: [batch], the step to try next, and the bounds of the one to be found.
        trials: int32 [batch], points this line search has looked at.
        iterations: int32 [batch], line searches done; of `advance_library` those of the batch while the member was in it.
        evaluations: int32 [batch], of the objective and its gradient; counted alike.
    """

    results: typing.Any
    direction: tf.Tensor
    slope: tf.Tensor
    step: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor
    trials: tf.Tensor
    iterations: tf.Tensor
    evaluations: tf.Tensor


def _library():
    """tensorflow-probability's module of L-BFGS; slow to import, so not before it is needed."""
    from tensorflow_probability.python.optimizer import lbfgs

    return lbfgs


def begin(value_and_gradient: ValueAndGradient, position: tf.Tensor, *, tolerance: float) -> State:
    """State at a start: position [batch, n].

    What is remembered is one made-up pair of differences by which the first step goes down the gradient, `FIRST_STEP` long: with
    nothing remembered the library takes a step of the gradient's own length, whatever the objective's scale.
    """
    lbfgs = _library()
    value, gradient = value_and_gradient(position)
    batch = tf.shape(value)
    norm = tf.norm(gradient, axis=1, keepdims=True)
    pad = tf.zeros(tf.concat([[PAIRS - 1], tf.shape(position)], 0), position.dtype)
    results = lbfgs.LBfgsOptimizerResults(
        converged=_finite(value, gradient) & (tf.reduce_max(tf.abs(gradient), axis=1) <= tolerance),
        failed=~_finite(value, gradient),
        num_iterations=tf.constant(PAIRS),
        num_objective_evaluations=tf.constant(0),
        position=position,
        objective_value=value,
        objective_gradient=gradient,
        position_deltas=tf.concat([pad, tf.math.divide_no_nan(FIRST_STEP * gradient, norm)[None]], 0),
        gradient_deltas=tf.concat([pad, gradient[None]], 0),
    )
    zeros, none = tf.zeros_like(value), tf.zeros(batch, tf.int32)
    return _new_line(State(results, tf.zeros_like(position), zeros, zeros, zeros, zeros, none, none, none + 1), tf.ones(batch, tf.bool))


def begin_library(value_and_gradient: ValueAndGradient, position: tf.Tensor, *, tolerance: float) -> State:
    """State where `tfp.optimizer.lbfgs_minimize` begins: position [batch, n]."""
    results = _lbfgs_minimize(value_and_gradient, tolerance=tolerance, initial_position=position, max_iterations=0)
    zeros = tf.zeros_like(results.objective_value)
    none = tf.zeros_like(zeros, tf.int32)
    return State(results, tf.zeros_like(position), zeros, zeros, zeros, zeros, none, none, none + 1)


def advance_library(value_and_gradient: ValueAndGradient, state: State, *, iterations: tf.Tensor, tolerance: float) -> State:
    """Some iterations of `tfp.optimizer.lbfgs_minimize`.

    Its Hager-Zhang line searches wait for the slowest member of the batch. In parts it goes the way
    that it goes in one call, as a test shows.
    """
    before = state.results
    going = ~(before.failed | before.converged)
    last = before.num_iterations + iterations
    results = _lbfgs_minimize(value_and_gradient, tolerance=tolerance, previous_optimizer_results=before, max_iterations=last)
    evaluations = results.num_objective_evaluations - before.num_objective_evaluations
    return state._replace(
        results=results,
        iterations=state.iterations + tf.where(going, results.num_iterations - before.num_iterations, 0),
        evaluations=state.evaluations + tf.where(going, evaluations, 0),
    )


def _lbfgs_minimize(value_and_gradient, **arguments):
    import tensorflow_probability as tfp

    return tfp.optimizer.lbfgs_minimize(value_and_gradient, **({"initial_position": None} | arguments))


def advance_apart(
    value_and_gradient: ValueAndGradient,
    state: State,
    *,
    evaluations: tf.Tensor,
    limit: tf.Tensor,
    tolerance: float,
) -> State:
    """Some evaluations of each member's own search, none waiting for another.

    Directions are tensorflow-probability's (the two-loop recursion). The line search is that of Lewis
    & Overton, "Nonsmooth optimization via quasi-Newton methods" (2013), section 2.2: weak Wolfe
    conditions, which hold for objectives with kinks as ReLUs and absolute values make them; its
    bisection is eased by interpolation. The step 1 is tried first and mostly taken: about 1.2
    evaluations an iteration, where `advance_library` makes three.

    Args:
        value_and_gradient: function of position [batch, n] -> value [batch], gradient [batch, n].
        state: State.
        evaluations: int32, or int32 [batch]. Evaluations to make.
        limit: int32, or int32 [batch]. Iterations after which a member stops.
        tolerance: float. Largest gradient component at which a member has converged.

    Returns:
        State.
    """

    def active(done, state):
        finished = state.results.failed | state.results.converged
        return ~finished & (state.iterations < limit) & (done < evaluations)

    def step(done, state):
        going, results = active(done, state), state.results
        trial = results.position + state.step[:, None] * state.direction
        trial = tf.where(going[:, None], trial, results.position)
        value, gradient = value_and_gradient(trial)
        return done + 1, _after_trial(state, going, Trial(trial, value, gradient), tolerance=tolerance)

    return tf.while_loop(lambda done, state: tf.reduce_any(active(done, state)), step, (tf.constant(0), state), parallel_iterations=1)[1]


class Trial(typing.NamedTuple):
    """A point of each member's line search: position [batch, n], value [batch], gradient [batch, n]."""

    position: tf.Tensor
    value: tf.Tensor
    gradient: tf.Tensor


def _after_trial(state, going, trial, *, tolerance):
    """The state after a trial of the members `going`: the point taken, or another step to try."""
    results, (position, value, gradient) = state.results, trial
    slope = tf.reduce_sum(gradient * state.direction, axis=1)
    last = state.trials + 1 >= TRIALS
    low_enough = _finite(value, gradient) & (value <= results.objective_value + DECREASE * state.step * state.slope)
    steep = (slope < CURVATURE * state.slope) & ~last
    taken = going & low_enough & ~steep
    learned = taken & (slope > state.slope)
    flat = tf.reduce_max(tf.abs(gradient), axis=1) <= tolerance
    results = results._replace(
        position_deltas=_pushed(results.position_deltas, position - results.position, learned),
        gradient_deltas=_pushed(results.gradient_deltas, gradient - results.objective_gradient, learned),
        position=tf.where(taken[:, None], position, results.position),
        objective_value=tf.where(taken, value, results.objective_value),
        objective_gradient=tf.where(taken[:, None], gradient, results.objective_gradient),
        converged=results.converged | (taken & flat),
        failed=results.failed | (going & last & ~taken),
    )
    searched = _next_step(state, value, slope, low_enough)._replace(
        results=results,
        trials=state.trials + tf.cast(going, tf.int32),
        iterations=state.iterations + tf.cast(taken, tf.int32),
        evaluations=state.evaluations + tf.cast(going, tf.int32),
    )
    return _new_line(searched, taken)


def take(state: State, indices) -> State:
    """The state of some members."""
    return tf.nest.map_structure(lambda t, axis: t if axis < 0 else tf.gather(t, indices, axis=axis), state, _axes(state))


def join(state: State, other: State) -> State:
    """The state of the members of both."""
    return tf.nest.map_structure(lambda s, t, axis: s if axis < 0 else tf.concat([s, t], axis), state, other, _axes(state))


def specification(state):
    """Its `tf.TensorSpec`s, for any number of members."""

    def spec(tensor, axis):
        shape = tensor.shape.as_list()
        return tf.TensorSpec([None if i == axis else size for i, size in enumerate(shape)], tensor.dtype)

    return tf.nest.map_structure(spec, state, _axes(state))


def _axes(state):
    """The batch axis of each tensor; -1 where it has none."""
    results = type(state.results)(**dict.fromkeys(state.results._fields, 0))
    results = results._replace(num_iterations=-1, num_objective_evaluations=-1, position_deltas=1, gradient_deltas=1)
    return State(results, *[0] * (len(State._fields) - 1))


def _new_line(state, chosen):
    """Chosen members with a new direction and its first step."""
    results = state.results
    direction = _library()._get_search_direction(results)  # private: a test compares it with the BFGS formula
    slope = tf.reduce_sum(direction * results.objective_gradient, axis=1)
    uphill = tf.where(slope < 0, False, chosen)  # not ~(slope < 0): graphs turn that into slope >= 0, which NaN is not
    one, zero = tf.ones_like(slope), tf.zeros_like(slope)
    return state._replace(
        results=results._replace(failed=results.failed | (uphill & ~results.converged)),
        direction=tf.where(chosen[:, None], direction, state.direction),
        slope=tf.where(chosen, slope, state.slope),
        step=tf.where(chosen, one, state.step),
        low=tf.where(chosen, zero, state.low),
        high=tf.where(chosen, one * float("inf"), state.high),
        trials=tf.where(chosen, 0, state.trials),
    )


def _next_step(state, value, slope, low_enough):
    """The step to try after the last: longer where that was low enough (but too steep), else shorter."""
    step = state.step
    low, high = tf.where(low_enough, step, state.low), tf.where(low_enough, state.high, step)
    rise = value - state.results.objective_value - state.slope * step  # of a parabola through what is known
    shorter = tf.clip_by_value(tf.math.divide_no_nan(-state.slope * step**2, 2 * rise), SHORTEST * step, 0.5 * step)
    shorter = tf.where(tf.math.is_finite(value), shorter, SHORTEST * step)
    longer = tf.clip_by_value(tf.math.divide_no_nan(state.slope, state.slope - slope), 2.0, LONGEST) * step
    open_ended = tf.where(low_enough, longer, shorter)
    bounded = tf.math.is_finite(high) & (low > 0)
    return state._replace(step=tf.where(bounded, (low + high) / 2, open_ended), low=low, high=high)


def _pushed(queue, last, chosen):
    """queue [pairs, batch, n] with `last` at its end, and the first lost, for the chosen members."""
    return tf.where(chosen[None, :, None], tf.concat([queue[1:], last[None]], 0), queue)


def _finite(value, gradient):
    return tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient), axis=1)
