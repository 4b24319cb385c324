"""What this package adds to the `xview` command. Imported for every `xview`, so it imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

from xview_deploy.cli import Table


def commands() -> Table:
    """Names and functions, for the entry-point group `xview.commands`."""
    bench: Table = {"loop": bench_loop, "faults": bench_faults, "fuzz": bench_fuzz}
    return {"demo": demo, "robot": robot, "console": console, "camera": camera, "bench": bench}


def demo(
    headless: bool = False,
    trials: int = 20,
    seed: int = 10,
    difficulty: str = "near",
    bundle: str = "",
    json: Path | None = None,
    set: tuple[str, ...] = (),
    domain_id: int | None = None,
) -> int:
    """Drive the simulated robot: click a target on the page whose address is printed, or run trials by itself.

    Args:
        headless: no page: closed-loop trials of the shipped policy and of two random ones, on the same rooms.
        trials: how many trials each, headless.
        seed: of the room, or of the trials' rooms.
        difficulty: near, easy, medium or hard.
        bundle: another policy than the shipped "small": "five", or a path.
        json: write the trials' report to this file, headless.
        set: parameters of nodes, each as node.parameter=value, e.g. policy.policy=random.
        domain_id: ROS_DOMAIN_ID of the graph.
    """
    if headless:
        from xview_agent.headless import run_rounds

        return run_rounds(trials, seed, difficulty, bundle, json)
    from xview_agent.starter import start

    chosen = (f"twin.seed={seed}", f"twin.difficulty={difficulty}", f'policy.bundle="{bundle}"')
    return start("sim", set=(*chosen, *set), domain_id=domain_id)


def robot(
    only: tuple[str, ...] = (),
    set: tuple[str, ...] = (),
    domain_id: int | None = None,
    namespace: str = "/xview",
    parameters: str = "",
    arg: tuple[str, ...] = (),
    log_level: str = "",
) -> int:
    """Run policy, gate and console on a robot that has no `ros2 launch`; its cameras and base run already.

    Args:
        only: the nodes to start, where the others run elsewhere.
        set: parameters of nodes, each as node.parameter=value, e.g. gate.velocity_timeout=0.3.
        domain_id: ROS_DOMAIN_ID of the robot.
        namespace: of all nodes; each robot on a domain has its own.
        parameters: YAML file that wins over the package's own.
        arg: the launch file's arguments, each as name=value, e.g. onboard_image=/camera/image_raw/compressed.
        log_level: debug, info, warn, error or fatal.
    """
    from xview_agent.starter import start

    return start(
        "robot",
        only=only,
        set=set,
        domain_id=domain_id,
        namespace=namespace,
        network=True,
        parameters=parameters,
        arg=arg,
        log_level=log_level,
    )


def console(set: tuple[str, ...] = (), domain_id: int | None = None, namespace: str = "/xview") -> int:
    """Run the operator's console alone, against a graph that runs elsewhere.

    Args:
        set: parameters of the console, each as console.parameter=value.
        domain_id: ROS_DOMAIN_ID of the graph.
        namespace: of all nodes.
    """
    return robot(only=("console",), set=set, domain_id=domain_id, namespace=namespace)


def camera(
    name: str = "onboard",
    source: str = "device",
    path: str = "/dev/video0",
    calibration: Path | None = None,
    set: tuple[str, ...] = (),
    domain_id: int | None = None,
    namespace: str = "/xview",
) -> int:
    """Publish a camera's pictures and calibration: a device, stream, video file, folder or another driver's topic.

    Args:
        name: of the camera: onboard, or what the console's third_person_cameras call it.
        source: device, stream, video, folder or topic.
        path: /dev/video0, rtsp://..., http://..., a file, a folder, a topic.
        calibration: YAML file as ROS's camera_calibration writes it.
        set: further parameters of the node, each as camera.parameter=value, e.g. camera.rotation=180.
        domain_id: ROS_DOMAIN_ID of the graph.
        namespace: of all nodes.
    """
    from xview_agent.starter import start

    given = {"camera": name, "source": source, "path": path, "calibration": calibration and calibration.resolve()}
    arg = tuple(f"{argument}={value}" for argument, value in given.items() if value)
    return start("camera", set=set, domain_id=domain_id, namespace=namespace, network=True, arg=arg)


def bench_loop(seconds: float = 60.0, minutes: float = 0.0, bundle: str = "", json: Path | None = None) -> int:
    """From a picture's stamp to the stamp of the velocity that answers it, beside inference alone in the same run.

    Args:
        seconds: how long.
        minutes: how long, for a soak: memory, age and dropped pictures are printed for each minute.
        bundle: another policy than the shipped "small": "five", or a path.
        json: write the figures to this file.
    """
    from xview_agent.bench.loop import measure
    from xview_agent.bench.loop_report import show

    return show(measure(60.0 * minutes or seconds, bundle), json)


def bench_faults(only: tuple[str, ...] = (), patient: bool = False, json: Path | None = None) -> int:
    """Cause one fault after the other to a simulated robot in motion, and measure how soon it stands still.

    Killed processes, bad cameras, clocks, goals and networks; the cut network needs root. Status 1 where the robot
    took longer than stated, moved before it was armed again, or could not be armed again.

    Args:
        only: rows whose names contain one of these; all where none is named.
        patient: for a machine that does much else: ages that are not the row's subject are stretched, and a row that
            took too long is tried again.
        json: write the table to this file.
    """
    from xview_agent.bench.faults import run_faults, show

    return show(run_faults(only, patient), json)


def bench_fuzz(count: int = 10_000, seed: int = 0, json: Path | None = None) -> int:
    """Send mutated messages, pictures, parameters, bundles and files: nothing may crash or move, refusals say why.

    Status 1 where a node died, something moved, a refusal had no reason, or a node's memory grew.

    Args:
        count: how many in all.
        seed: of the mutations.
        json: write the counts to this file.
    """
    from xview_agent.bench.fuzzing.run import run_fuzz, show

    return show(run_fuzz(count, seed), json)
