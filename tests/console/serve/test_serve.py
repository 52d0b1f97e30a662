"""``sansheng serve`` as it is run: real processes, killed and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.bench.product import Product
from console.config_file import load_config
from console.serve.preflight import lock_data, nobody_may_sign_in


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path / "data", rtp_ports=(38200, 38399))
    yield made
    made.stop()


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Seconds that it took. Fails when it takes longer than ``seconds``."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if condition():
            return time.monotonic() - begun
        time.sleep(0.02)
    pytest.fail(f"{what}: not within {seconds} s")


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def phone_ok(product: Product) -> bool:
    with contextlib.suppress(OSError, KeyError, TypeError):
        checks = product.health()["checks"]
        return bool(checks["phone"]["status"] == "ok")  # type: ignore[index]
    return False


def test_dead_processes_come_back_the_phone_within_two_seconds_and_all_stop_in_order(product: Product) -> None:
    product.start()
    first = product.processes()
    assert {"phone", "web", "worker"} <= set(first)

    os.kill(first["web"], signal.SIGKILL)
    wait_until(lambda: product.processes().get("web", first["web"]) != first["web"], 10, "a new web process")
    wait_until(product.healthy, 30, "the console is healthy again")
    second = product.processes()
    assert second["phone"] == first["phone"]

    os.kill(first["phone"], signal.SIGKILL)
    wait_until(lambda: product.processes().get("phone", first["phone"]) != first["phone"], 2, "a new phone process")
    wait_until(lambda: phone_ok(product), 20, "the phone answers again")

    pids = product.processes()
    assert product.process is not None
    begun = time.monotonic()
    product.process.send_signal(signal.SIGTERM)
    assert product.process.wait(12) == 0
    assert time.monotonic() - begun <= 10
    assert [pid for pid in pids.values() if alive(pid)] == []


def test_no_process_outlives_a_supervisor_that_is_killed(product: Product) -> None:
    product.start()
    pids = product.processes()
    assert product.process is not None
    product.process.kill()
    product.process.wait()
    # the folder is free at once, however long the others take
    lock_data(load_config(product.config, {})).close()
    wait_until(lambda: not any(alive(pid) for pid in pids.values()), 15, "all processes are gone")


def test_a_second_instance_on_the_same_folder_and_taken_ports_are_refused_by_name(product: Product) -> None:
    product.write_config()

    def serve(extra: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SANSHENG_")}
        return subprocess.run(
            product.command("serve", "--config", str(product.config)),
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env=environment | (extra or {}),
            stdin=subprocess.DEVNULL,
        )

    for key, port, kind in (
        ("http.port", product.http, socket.SOCK_STREAM),
        ("headset.port", product.headset, socket.SOCK_STREAM),
        ("sip.port", product.sip, socket.SOCK_DGRAM),
    ):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", port))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            refused = serve()
        assert refused.returncode == 1
        assert f"{key}: " in refused.stderr
        assert f"SANSHENG_{key.replace('.', '_').upper()}" in refused.stderr
        assert "Traceback" not in refused.stderr
    wrong = serve({"SANSHENG_HTTP_PROT": "1"})
    assert wrong.returncode == 2
    assert "did you mean SANSHENG_HTTP_PORT?" in wrong.stderr
    unusable = serve({"SANSHENG_DATABASE_URL": "mysql://x/y"})
    assert unusable.returncode == 1
    assert "database_url: " in unusable.stderr

    product.start()
    second = serve()
    assert second.returncode == 1
    assert "is in use by another sansheng" in second.stderr
    assert product.healthy()


def test_the_first_start_says_that_nobody_can_sign_in_and_what_to_do(product: Product) -> None:
    product.write_config()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SANSHENG_")}
    with subprocess.Popen(
        product.command("serve", "--config", str(product.config)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as serve:
        assert serve.stderr is not None
        try:
            said = []
            for line in serve.stderr:
                said.append(line)
                if "process started" in line:
                    break
        finally:
            serve.send_signal(signal.SIGTERM)
            serve.communicate(timeout=30)
    hint = f"sansheng user add admin --role admin --generate --config {product.config}"
    assert hint in "".join(said)
    assert "no line is configured" not in "".join(said)

    made = subprocess.run(
        [*product.command(), *hint.split()[1:]], check=True, capture_output=True, text=True, timeout=30, env=environment
    )
    assert "password of admin: " in made.stdout
    assert not nobody_may_sign_in(load_config(product.config, {}))


def test_logs_are_json_lines_on_request_and_numbers_in_them_are_masked(product: Product) -> None:
    product.extra_config = '[log]\nformat = "json"\n'
    product.start()
    request = (
        f"INVITE sip:95001@127.0.0.1:{product.sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\n"
        "From: <sip:13812345678@127.0.0.1>;tag=1\r\nTo: <sip:95001@127.0.0.1>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:13812345678@127.0.0.1:9>\r\nContent-Type: application/sdp\r\nContent-Length: 7\r\n\r\nv=junk\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(request.encode(), ("127.0.0.1", product.sip))
    wait_until(lambda: "488" in product.log.read_text() or "refused" in product.log.read_text(), 10, "a refused call")
    product.stop()
    lines = product.log.read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert {"serve", "phone", "web"} <= {record["process"] for record in records}
    assert "13812345678" not in product.log.read_text()


def test_a_child_started_by_hand_without_its_parent_says_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("htpp = 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "console.serve.phone"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "SANSHENG_CONFIG": str(wrong)},
    )
    assert done.returncode == 2
    assert "did you mean http?" in done.stderr
