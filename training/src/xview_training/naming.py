"""Things that are asked for by name; the rule is the robot's half's, so that both answer alike."""

from xview_deploy.naming import named

__all__ = ["named"]
