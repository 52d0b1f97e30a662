"""The command lines of the demo and of its patients, and what they refuse."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest

from console.config_file import load_config
from console.demo import add_arguments
from console.demo.callers.__main__ import parser as patients_parser
from console.demo.callers.schedule import masked
from console.demo.configuration import write_configuration
from console.demo.ports import PortTakenError, check_free, next_free_udp, patients_from


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_without_arguments_three_patients_call_on_the_usual_ports() -> None:
    args = parse()

    assert (args.http_port, args.sip_port, args.headset_port, args.callers) == (8080, 5060, 0, 3)


@pytest.mark.parametrize(
    "words",
    [
        ("--http-port", "0"),
        ("--http-port", "65536"),
        ("--sip-port", "five"),
        ("--headset-port", "-1"),
        ("--callers", "-1"),
        ("--callers", "many"),
        ("--call-every", "0"),
        ("--call-every", "nan"),
        ("--patients", "1.5"),
    ],
)
def test_wrong_arguments_are_refused_by_name(words: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(*words)

    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--trunk", "127.0.0.1"), ("--trunk", "127.0.0.1:0"), ("--listen", ":5070"), ("--numbers", "138,x")],
)
def test_the_patients_refuse_what_is_no_address_or_number(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"--trunk": "127.0.0.1:5060", "--listen": "127.0.0.1:5070", "--numbers": "13800000000"} | {option: value}

    with pytest.raises(SystemExit):
        patients_parser().parse_args([word for pair in words.items() for word in pair])

    assert option in capsys.readouterr().err


def test_anonymous_among_the_numbers_means_withheld() -> None:
    args = patients_parser().parse_args(
        ["--trunk", "127.0.0.1:5060", "--listen", "127.0.0.1:5070", "--numbers", "13800000000,anonymous,+8657188001002"]
    )

    assert args.numbers == ["13800000000", "", "+8657188001002"]


def test_the_written_configuration_is_one_that_the_product_reads(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, 8123, 8124, 5099, 5109)

    config = load_config(path, {})

    assert (config.http.host, config.http.port, config.headset_port) == ("127.0.0.1", 8123, 8124)
    assert (config.sip.host, config.sip.port) == ("127.0.0.1", 5099)
    assert config.data == tmp_path
    [line] = config.lines
    assert (line.mode, line.peers, line.proxy, line.queue) == ("trunk", ("127.0.0.1",), "127.0.0.1:5109", "default")


def test_a_taken_port_is_told_with_the_way_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortTakenError, match=rf"TCP port {port} \(console\).*HTTP_PORT=PORT.*--http-port PORT"):
            check_free("127.0.0.1", port, socket.SOCK_STREAM, "console", "HTTP_PORT")


def test_the_patients_get_the_next_port_that_is_free() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]

        assert taken < next_free_udp("127.0.0.1", taken) < taken + 100


@pytest.mark.parametrize(
    ("number", "shown"),
    [("13800138000", "138****8000"), ("057188001002", "057****1002"), ("120", "120"), ("", "anonymous")],
)
def test_the_log_masks_numbers(number: str, shown: str) -> None:
    assert masked(number) == shown


@pytest.mark.parametrize("sip_port", [1, 5060, 65399, 65400, 65535])
def test_the_patients_find_a_port_beside_every_port_of_the_product(sip_port: int) -> None:
    assert 0 < next_free_udp("127.0.0.1", patients_from(sip_port)) <= 65535
    assert patients_from(sip_port) != sip_port
