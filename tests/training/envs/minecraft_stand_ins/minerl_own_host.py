"""MineRL's host with MineRL's own classes, told to launch another game: the launchClient.sh in folder MINERL_GAME."""

import os
import sys

sys.path.insert(0, os.environ["XVIEW_HOSTS"])

import minerl_host
from minerl.env.malmo import InstanceManager
from serve import serve

os.chdir(os.environ["MINERL_GAME"])  # where it leaves its logs
InstanceManager.MINECRAFT_DIR = InstanceManager.SCHEMAS_DIR = os.environ["MINERL_GAME"]
serve(minerl_host.MineRLGame)
