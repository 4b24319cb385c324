"""Importing the package registers its world with Gymnasium, as Gymnasium asks packages to do.

    import gymnasium, xview_training
    envs = gymnasium.make_vec("xview/CrossView-v0", num_envs=16)

or, in one, `gymnasium.make_vec("xview_training:xview/CrossView-v0", num_envs=16)`. Nothing else is imported before one
is made.
"""

from gymnasium.envs.registration import register

register(
    id="xview/CrossView-v0",
    entry_point="xview_training.envs.single:CrossViewEnv",
    vector_entry_point="xview_training.envs.vector:CrossViewVectorEnv",
)
