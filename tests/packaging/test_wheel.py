"""The wheel as a stranger gets it: built here, installed into an empty environment, started, asked, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

HERE = Path(__file__).parents[2]


def run(*words: str | Path, cwd: Path = HERE, **variables: str) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=540,
        env=os.environ | variables,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, HERE)
    [built] = folder.glob("sansheng-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of an environment that holds nothing but the wheel and what it asks for."""
    environment = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    # compiled is only what the tests import, when they do
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile", wheel)
    return environment / "bin"


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_wheel_holds_the_built_console_and_no_sources_of_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert "console/static/index.html" in names
    assert any(name.startswith("console/static/") and name.endswith(".js") for name in names)
    assert any(name.startswith("console/demo/clips/") for name in names)
    assert any(name.startswith("storage/migrations/") for name in names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    stray = [
        name
        for name in names
        if name.startswith(("console/web/", "console/node_modules/", "tests/"))
        or (not name.startswith("console/static/") and name.endswith((".vue", ".ts", ".js", ".json", "rc")))
    ]
    assert stray == []


def test_everything_in_the_wheel_can_be_imported_without_the_extras(installed: Path, tmp_path: Path) -> None:
    code = """
import importlib, pkgutil, sys
for room in ("telephony", "storage", "recordings", "console"):
    for module in pkgutil.walk_packages([importlib.import_module(room).__path__[0]], room + "."):
        # the demo's patients need the demo extra; migrations are loaded by alembic alone; __main__ runs
        if not module.name.startswith(("console.demo.callers", "storage.migrations")) and "__main__" not in module.name:
            importlib.import_module(module.name)
print("imported")
"""
    assert "imported" in run(installed / "python", "-I", "-c", code, cwd=tmp_path)


def test_the_packets_take_the_path_in_c_where_it_could_be_built(installed: Path, tmp_path: Path) -> None:
    code = """
from recordings.packet_tap import PacketTap
from telephony.media.packet_path import NOT_COMPILED
print("Python" if NOT_COMPILED else "C", PacketTap.__module__)
"""
    compiler = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0])
    could = compiler is not None and Path(sysconfig.get_paths()["include"], "Python.h").exists()
    expected = "C recordings._packet_tap" if could else "Python recordings.plain_tap"
    assert run(installed / "python", "-I", "-c", code, cwd=tmp_path).strip() == expected


def test_without_a_compiler_the_wheel_is_built_all_the_same(tmp_path: Path) -> None:
    words = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, HERE)
    run(sys.executable, *words, CC="/nowhere/cc")
    [built] = tmp_path.glob("sansheng-*-py3-none-any.whl")
    names = zipfile.ZipFile(built).namelist()
    assert "telephony/media/_packet_path.c" in names
    assert not [name for name in names if name.endswith(".so")]


def test_the_installed_product_starts_serves_its_page_is_healthy_and_stops(installed: Path, tmp_path: Path) -> None:
    http, headset = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    sip = free_port(socket.SOCK_DGRAM)
    config = tmp_path / "sansheng.toml"
    config.write_text(
        f'data = "data"\n[http]\nport = {http}\n[headset]\nport = {headset}\n'
        f'[sip]\nhost = "127.0.0.1"\nport = {sip}\nrtp_host = "127.0.0.1"\n'
        '[[lines]]\nname = "trunk"\nmode = "trunk"\npeers = ["127.0.0.1"]\n'
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SANSHENG_", "PYTHON"))}
    log_path = tmp_path / "serve.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [installed / "sansheng", "serve", "--config", config],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=clean,
        )
    try:
        url = f"http://127.0.0.1:{http}"
        wait_until_healthy(url, process, log_path)
        with urllib.request.urlopen(f"{url}/", timeout=10) as page:
            assert page.status == 200
            assert '<div id="app"' in page.read().decode()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert code == 0, log_path.read_text()[-3000:]


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    trouble = ""
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended:\n{log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
                assert answer.status == 200
                return
        except urllib.error.HTTPError as problem:
            trouble = f"{problem.code}: {problem.read().decode()[:500]}"
        except OSError as problem:
            trouble = str(problem)
        time.sleep(0.2)
    raise AssertionError(f"not healthy: {trouble}\n{log.read_text()[-3000:]}")
