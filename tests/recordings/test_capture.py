"""The live recorder: what it keeps, whatever happens to the process and the disk."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings.capture import STALLED_RECORDS, CaptureRecorder, CaptureRefused, CaptureTap
from recordings.capture_backlog import Backlog
from recordings.capture_format import RECORD, CaptureHeader, parse_capture, read_capture

PAYLOAD = bytes(range(160))


class Told:
    """What a recorder called back."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[tuple[str, int, int]] = asyncio.get_running_loop().create_future()
        self.troubles: list[tuple[str, float]] = []
        self.troubled = asyncio.Event()

    def on_closed(self, path: str, size: int, packets: int) -> None:
        self.closed.set_result((path, size, packets))

    def on_trouble(self, reason: str, lost_seconds: float) -> None:
        self.troubles.append((reason, lost_seconds))
        self.troubled.set()

    async def trouble_like(self, beginning: str) -> tuple[str, float]:
        async with asyncio.timeout(20):
            while True:
                for trouble in self.troubles:
                    if trouble[0].startswith(beginning):
                        return trouble
                self.troubled.clear()
                await self.troubled.wait()


def begin(recorder: CaptureRecorder, call: str = "0195-call") -> tuple[CaptureTap, str, Told]:
    told = Told()
    tap, path = recorder.open(call, told.on_closed, told.on_trouble)
    return tap, path, told


def test_every_packet_of_a_call_is_in_its_file_in_order(tmp_path: Path) -> None:
    async def call() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=0.05)
        tap, path, told = begin(recorder)
        sent = []
        for n in range(500):
            leg, law, payload = n % 2, (0, 8)[n % 2], PAYLOAD[: 160 - n % 80]
            arrival = time.monotonic_ns()
            tap.packet(leg, law, (2**32 - 4000 + n * 160) % 2**32, payload, arrival)
            sent.append((leg, law, (2**32 - 4000 + n * 160) % 2**32, payload, arrival))
            if n % 100 == 0:
                await asyncio.sleep(0.06)
        tap.close()
        tap.close()
        tap.packet(0, 8, 0, PAYLOAD, time.monotonic_ns())
        async with asyncio.timeout(20):
            closed_path, size, packets = await told.closed
        assert (closed_path, packets) == (path, 500)
        assert size == (tmp_path / path).stat().st_size
        assert re.fullmatch(r"recordings/raw/\d{4}/\d\d/\d\d/0195-call\.cap", path)
        capture = read_capture(tmp_path / path)
        assert (capture.call, capture.ended, capture.torn_bytes, capture.damaged_bytes) == ("0195-call", True, 0, 0)
        (segment,) = capture.segments
        assert abs(segment.header.wall_ns - time.time_ns()) < 60e9
        got = sorted(
            (arrival, leg, law, timestamp, capture.data[start : start + length])
            for leg, packets_of_leg in segment.legs.items()
            for arrival, timestamp, law, start, length in packets_of_leg
        )
        assert got == sorted((a, leg, law, t, p) for leg, law, t, p, a in sent)
        assert told.troubles == []
        assert recorder.live == 0
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


def test_a_hundred_calls_at_once_each_keep_their_own_packets(tmp_path: Path) -> None:
    async def calls() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=0.05)
        begun = [begin(recorder, f"call-{n}") for n in range(100)]
        for n in range(50):
            for which, (tap, _, _) in enumerate(begun):
                tap.packet(n % 2, 8, n * 160, bytes([which]) * 160, time.monotonic_ns())
            await asyncio.sleep(0)
        assert await asyncio.to_thread(recorder.stop, 20)
        for which, (_, path, told) in enumerate(begun):
            assert (await told.closed)[2] == 50
            capture = read_capture(tmp_path / path)
            assert capture.ended
            for packets in capture.segments[0].legs.values():
                assert len(packets) == 25
                assert all(capture.data[s : s + size] == bytes([which]) * 160 for _, _, _, s, size in packets)

    asyncio.run(calls())


def test_a_call_that_is_recorded_again_is_appended_to_its_file(tmp_path: Path) -> None:
    async def call() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=0.05)
        for payload in (b"a" * 160, b"b" * 160):
            tap, path, told = begin(recorder)
            tap.packet(0, 8, 160, payload, time.monotonic_ns())
            with pytest.raises(CaptureRefused, match="being recorded already"):
                recorder.open("0195-call", told.on_closed, told.on_trouble)
            tap.close()
            await told.closed
        capture = read_capture(tmp_path / path)
        assert [len(segment.legs[0]) for segment in capture.segments] == [1, 1]
        assert capture.ended
        await asyncio.to_thread(recorder.stop)
        with pytest.raises(CaptureRefused, match="stopped"):
            recorder.open("another", told.on_closed, told.on_trouble)

    asyncio.run(call())


@pytest.mark.parametrize("call", ["", "../up", "a/b", "a\x00b", ".hidden", "客户", "x" * 101, "a\n"])
def test_a_call_id_that_is_no_file_name_is_refused(tmp_path: Path, call: str) -> None:
    async def refuse() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop())
        with pytest.raises(CaptureRefused, match="cannot be a file name"):
            begin(recorder, call)
        assert recorder.live == 0

    asyncio.run(refuse())


def test_packets_that_are_no_packets_do_not_disturb_the_recording(tmp_path: Path) -> None:
    async def call() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=0.05)
        tap, _, told = begin(recorder)
        tap.packet(0, 8, 0, PAYLOAD, 1)
        tap.packet(0, 8, -1, PAYLOAD, 1)
        tap.packet(0, 8, 2**32, PAYLOAD, 1)
        tap.packet(300, 8, 0, PAYLOAD, 1)
        tap.packet(0, 8, 0, b"", 1)
        tap.packet(0, 8, 0, b"x" * 70_000, 1)
        tap.packet(0, 8, 0, "text", 1)  # type: ignore[arg-type]
        tap.packet(0, 8, 0, PAYLOAD, -5)
        tap.close()
        assert (await told.closed)[2] == 1
        assert tap.refused == 7
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


KILLED = """
import asyncio, sys, time
from pathlib import Path
from recordings.capture import CaptureRecorder

async def main():
    recorder = CaptureRecorder(Path(sys.argv[1]), asyncio.get_running_loop())
    taps = [recorder.open(f"call-{n}", print, print)[0] for n in range(20)]
    begun, n = time.monotonic(), 0
    while True:
        for tap in taps:
            for leg in (0, 1):
                tap.packet(leg, 8, n * 160, n.to_bytes(4, "big") * 40, time.monotonic_ns())
        n += 1
        if n % 5 == 0:
            print(n, flush=True)
        await asyncio.sleep(max(0, begun + n * 0.02 - time.monotonic()))

asyncio.run(main())
"""


def test_a_killed_phone_process_loses_less_than_the_last_second(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    try:
        sent = 0
        for line in process.stdout:
            sent = int(line)
            if sent >= 130:
                break
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(timeout=20)
    files = sorted(tmp_path.rglob("*.cap"))
    assert len(files) == 20
    for file in files:
        capture = read_capture(file)
        assert not capture.ended
        assert capture.damaged_bytes == 0
        for leg in (0, 1):
            kept = [
                int.from_bytes(capture.data[start : start + 4], "big")
                for _, _, _, start, _ in capture.segments[0].legs[leg]
            ]
            assert kept == list(range(len(kept))), "a packet in the middle is missing"
            assert len(kept) >= sent - 50, f"{file.name}: only {len(kept)} of at least {sent} packets a leg"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB where mounting is allowed, else a folder under a limit on the size of files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "false", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    mounted = subprocess.run(command, check=False).returncode == 0
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (120 * 1024, limits[1]))
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def make_room(disk: Path, ballast: Path) -> None:
    if ballast.exists():
        ballast.unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)


def test_a_full_disk_is_told_loudly_and_the_recording_goes_on_when_there_is_room(tiny_disk: Path) -> None:
    ballast = tiny_disk / "ballast"
    if os.path.ismount(tiny_disk):
        ballast.write_bytes(bytes(80 * 1024))

    async def call() -> None:
        recorder = CaptureRecorder(tiny_disk, asyncio.get_running_loop(), interval=0.05, report_every=0.2)
        tap, path, told = begin(recorder)
        begun, n = time.monotonic(), 0
        while len([reason for reason, _ in told.troubles if reason.startswith("disk_full")]) < 3:
            for leg in (0, 1):
                tap.packet(leg, 8, n * 160, PAYLOAD, time.monotonic_ns())
            n += 1
            assert time.monotonic() - begun < 20
            await asyncio.sleep(0.002)
        full = [lost for reason, lost in told.troubles if reason.startswith("disk_full")]
        assert full == sorted(full)
        assert full[-1] > full[0]
        assert len(told.troubles) <= (time.monotonic() - begun) / 0.2 + 2, "reported too often"
        make_room(tiny_disk, ballast)
        _, lost = await told.trouble_like("resumed")
        assert lost == 0.0
        tap.packet(0, 8, n * 160, PAYLOAD, time.monotonic_ns())
        tap.close()
        async with asyncio.timeout(20):
            assert (await told.closed)[2] == 2 * n + 1
        capture = read_capture(tiny_disk / path)
        assert capture.ended
        assert (capture.packets, capture.damaged_bytes, capture.segments[0].gaps) == (2 * n + 1, 0, [])
        timestamps = [timestamp for _, timestamp, _, _, _ in capture.segments[0].legs[1]]
        assert timestamps == [step * 160 for step in range(n)]
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


def test_memory_stays_bounded_on_a_full_disk_and_the_file_says_what_is_missing(tiny_disk: Path) -> None:
    ballast = tiny_disk / "ballast"
    if os.path.ismount(tiny_disk):
        ballast.write_bytes(bytes(100 * 1024))

    async def call() -> None:
        recorder = CaptureRecorder(
            tiny_disk, asyncio.get_running_loop(), interval=0.02, report_every=0.1, most_waiting=40_000
        )
        tap, path, told = begin(recorder)
        n = 0
        arrivals = []
        while n < 2000:
            for leg in (0, 1):
                arrivals.append(time.monotonic_ns())
                tap.packet(leg, 8, n * 160, PAYLOAD, arrivals[-1])
            n += 1
            if n % 10 == 0:
                await asyncio.sleep(0.005)
        await told.trouble_like("disk_full")
        deadline = time.monotonic() + 20
        for _ in iter(lambda: tap.backlog.dropped == 0 or tap.backlog.bytes > 80_000, False):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        make_room(tiny_disk, ballast)
        _, lost = await told.trouble_like("resumed")
        tap.close()
        async with asyncio.timeout(20):
            packets = (await told.closed)[2]
        capture = read_capture(tiny_disk / path)
        (gap,) = capture.segments[0].gaps
        assert capture.packets == packets
        assert packets + sum(gap.packets) == 2 * n
        assert lost == pytest.approx(max(gap.packets) * 0.02, abs=0.01)
        kept = {a for leg in capture.segments[0].legs.values() for a, *_ in leg}
        missing = [arrival for arrival in arrivals if arrival not in kept]
        assert (gap.first_ns, gap.last_ns) == (missing[0], missing[-1])
        assert capture.damaged_bytes == 0
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


def test_an_ended_call_on_a_disk_that_stays_full_is_given_up_in_the_end(tiny_disk: Path) -> None:
    if os.path.ismount(tiny_disk):
        (tiny_disk / "ballast").write_bytes(bytes(120 * 1024))

    async def call() -> None:
        recorder = CaptureRecorder(tiny_disk, asyncio.get_running_loop(), interval=0.02, patience=0.2)
        tap, path, told = begin(recorder)
        for n in range(1400):
            tap.packet(n % 2, 8, n * 160, PAYLOAD, time.monotonic_ns())
        tap.close()
        async with asyncio.timeout(20):
            closed_path, size, packets = await told.closed
        reason, lost = told.troubles[-1]
        assert "given up" in reason
        assert closed_path == path
        assert 0 < lost <= 14.1
        file = tiny_disk / path
        assert size == (file.stat().st_size if file.exists() else 0)
        if size:
            assert packets - 1 <= read_capture(file).packets <= packets
        assert recorder.live == 0
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")

    async def call() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=0.02)
        tap, path, told = begin(recorder)
        tap.packet(0, 8, 0, PAYLOAD, time.monotonic_ns())
        await told.trouble_like("write_error")
        (tmp_path / "recordings").unlink()
        await told.trouble_like("resumed")
        tap.close()
        assert (await told.closed)[2] == 1
        assert read_capture(tmp_path / path).packets == 1
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


def test_a_writer_that_stalls_is_told_before_anything_is_lost(tmp_path: Path) -> None:
    async def call() -> None:
        # an hour between two rounds: a disk that does not answer
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=3600)
        tap, path, told = begin(recorder)
        for n in range(STALLED_RECORDS + 1):
            tap.packet(n % 2, 8, n * 160, PAYLOAD, time.monotonic_ns())
        await told.trouble_like("writer_stalled")
        tap.close()
        assert (await told.closed)[2] == STALLED_RECORDS + 1
        assert read_capture(tmp_path / path).packets == STALLED_RECORDS + 1
        assert await asyncio.to_thread(recorder.stop)

    asyncio.run(call())


def test_a_write_that_is_cut_anywhere_goes_on_where_it_stopped() -> None:
    """A pipe takes what it has room for: every cut falls somewhere else in a record."""
    backlog = Backlog()
    header = CaptureHeader("cut", 1, 1).pack()
    backlog.put(header)
    records = [RECORD.pack(n % 2, 8, 160, n, 100 + n) + PAYLOAD for n in range(2000)]
    backlog.extend(records)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    got = b""
    try:
        step = 1
        while backlog.bytes:
            try:
                backlog.write(writing)
            except BlockingIOError:
                got += os.read(reading, 4099 + step)
                step += 1
        os.set_blocking(reading, False)
        while True:
            try:
                got += os.read(reading, 65536)
            except BlockingIOError:
                break
    finally:
        os.close(reading)
        os.close(writing)
    assert got == header + b"".join(records)
    assert backlog.written == len(got)
    assert backlog.packets_written == 2000
    assert parse_capture(got).packets == 2000


def test_the_files_of_many_calls_are_written_one_after_the_other_through_the_round(tmp_path: Path) -> None:
    async def call() -> None:
        recorder = CaptureRecorder(tmp_path, asyncio.get_running_loop(), interval=1.0)
        paths = [begin(recorder, f"0195-call{n}")[1] for n in range(50)]
        written: dict[str, float] = {}
        async with asyncio.timeout(20):
            while len(written) < len(paths):
                for path in set(paths) - written.keys():
                    if (tmp_path / path).exists():
                        written[path] = time.monotonic()
                await asyncio.sleep(0.005)
        times = sorted(written.values())
        # in one burst all of them would be there within a few ms
        assert times[-1] - times[0] > 0.5
        assert times[24] - times[0] > 0.2
        assert await asyncio.to_thread(recorder.stop)
        assert all((tmp_path / path).stat().st_size for path in paths)

    asyncio.run(call())
