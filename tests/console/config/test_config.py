"""Reading the configuration: file, variables, and what is said about mistakes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from console.config import ConfigError, ConsoleConfig
from console.config_file import line_of, load_config, variables
from console.secret import with_secret

FULL = """\
node = "phone7"
data = "store"
home_area_code = "021"

[http]
host = "0.0.0.0"
port = 9000

[sip]
port = 5070
rtp_ports = [30000, 30100]

[[lines]]
name = "pbx"
peers = ["10.0.0.0/8"]
queue = "sales"

[[lines]]
name = "mobile"
mode = "register"
proxy = "sip.example.cn"
username = "8001"
password = "p"

[line_scripts.pbx]
opening_zh = "您好"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sansheng.toml"
    path.write_text(text)
    return path


def test_without_anything_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(environ={})
    assert (config.http.host, config.http.port, config.headset_port) == ("127.0.0.1", 8080, 8081)
    assert (config.sip.host, config.sip.port) == ("0.0.0.0", 5060)
    assert config.database == f"sqlite:///{tmp_path / 'data' / 'sansheng.db'}"
    assert config.queues == ("default",)


def test_the_file_is_read_and_makes_the_phones_settings(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL), environ={})
    phone = config.phone()
    assert phone.node == "phone7"
    assert phone.data == tmp_path / "store"
    assert (phone.sip_port, phone.rtp_ports, phone.headset_port) == (5070, (30000, 30100), 9001)
    assert [line.name for line in phone.lines] == ["pbx", "mobile"]
    assert phone.lines[0].peers == ("10.0.0.0/8",)
    assert config.queues == ("sales", "default")
    assert config.line_scripts["pbx"].opening_zh == "您好"


def test_the_file_in_the_current_folder_is_found_and_a_variable_may_name_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "[http]\nport = 9100\n")
    other = tmp_path / "other.toml"
    other.write_text("[http]\nport = 9200\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(environ={}).http.port == 9100
    assert load_config(environ={"SANSHENG_CONFIG": str(other)}).http.port == 9200


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    environ = {
        "SANSHENG_HTTP_PORT": "9300",
        "SANSHENG_SIP_PORT": "5090",
        "SANSHENG_SIP_RTP_PORTS": "40000,40100",
        "SANSHENG_DATA": str(tmp_path / "elsewhere"),
        "SANSHENG_HEADSET_PORT": "9400",
        "SANSHENG_RECORD": "no",
        "SANSHENG_HTTP_ORIGINS": "https://a.example, https://b.example",
        "SANSHENG_DATABASE_URL": "sqlite:///x.db",
        "SANSHENG_HOME_AREA_CODE": "0755",
        "SANSHENG_DEMO_PASSWORD": "not a setting",
        "SANSHENG_PASSWORD": "not a setting",
        "SANSHENG_LOG_LEVEL": "",
    }
    config = load_config(write(tmp_path, FULL), environ=environ)
    assert (config.http.port, config.sip.port, config.headset_port) == (9300, 5090, 9400)
    assert config.sip.rtp_ports == (40000, 40100)
    assert config.data == tmp_path / "elsewhere"
    assert config.record is False
    assert config.http.origins == ("https://a.example", "https://b.example")
    assert config.database == "sqlite:///x.db"
    assert config.home_area_code == "0755"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[http]\nprot = 1\n", "sansheng.toml:2: http.prot: there is no such setting; did you mean http.port?"),
        ("\nhtpp = 1\n", "sansheng.toml:2: htpp: there is no such setting; did you mean http?"),
        ("[http]\n# the port\nport = 'x'\n", "sansheng.toml:3: http.port: Expected `int`, got `str`"),
        ("[http]\nport = 99999\n", "sansheng.toml:2: http.port: Expected `int` <= 65535"),
        ("http.port = 0\n", "sansheng.toml:1: http.port: Expected `int` >= 1"),
        ("http = 5\n", "sansheng.toml:1: http: Expected `object`, got `int`"),
        ("[[lines]]\nname='a'\npeers=['x y']\n", "sansheng.toml:3: lines[0].peers: 'x y' is neither"),
        (
            "[[lines]]\nname='a'\nproxy='p'\n[[lines]]\nname='b'\nmode='pots'\n",
            "sansheng.toml:6: lines[1].mode: is 'pots'",
        ),
        (
            "[[lines]]\nname='a'\nproxy='p'\nmdoe='trunk'\n",
            "sansheng.toml:4: lines[0].mdoe: there is no such setting; did",
        ),
        ("[[lines]]\nname='a'\nproxy='p:99999'\n", "sansheng.toml:3: lines[0].proxy: should be host or host:port"),
        ("[[lines]]\nname=\"a\\nb\"\nproxy='p'\n", "sansheng.toml:2: lines[0].name: should be at most 64"),
        ("[[lines]]\nproxy='p'\n", "sansheng.toml:1: lines[0].name: is missing"),
        ("[[lines]]\nname='a'\n", "sansheng.toml:1: lines[0].peers: a trunk needs peers"),
        ("[[lines]]\nname='a'\nmode='register'\n", "lines[0].proxy: a line that registers needs"),
        ("[[lines]]\nname='a'\nproxy='p'\ndriver='pots'\n", "lines[0].driver: is 'pots', should be sippy or pyvoip"),
        ("[[lines]]\nname='a'\nproxy='p'\ndriver='pyvoip'\n", "lines[0].mode: should be register with driver = pyvoip"),
        (
            "[sip]\nhost='::1'\n[[lines]]\nname='a'\nmode='register'\nproxy='p'\nusername='u'\ndriver='pyvoip'\n",
            "sansheng.toml:8: lines[0].driver: pyvoip speaks IPv4 only",
        ),
        (
            "[[lines]]\nname='a'\nmode='register'\nproxy='p'\nusername='u'\ndriver='pyvoip'\n"
            "[[lines]]\nname='b'\nmode='register'\nproxy='p'\nusername='v'\ndriver='pyvoip'\n",
            "sansheng.toml:12: lines[1].driver: pyvoip serves one line only",
        ),
        (
            "[[lines]]\nname='a'\nproxy='p'\n[[lines]]\nname='a'\nproxy='p'\n",
            "sansheng.toml:5: lines[1].name: there are two",
        ),
        ("[line_scripts.x]\nopening_zh=''\n", "sansheng.toml:1: line_scripts.x: there is no line called 'x'"),
        ("[sip]\nrtp_ports = [10, 11]\n", "sansheng.toml:2: sip.rtp_ports: 10-11 has no room"),
        ("[sip]\nuri_domains = ['a b']\n", "sansheng.toml:2: sip.uri_domains: 'a b' is not a host"),
        ("home_area_code = '21'\n", "sansheng.toml:1: home_area_code: Expected `str` matching"),
        ("secret = 'short'\n", "sansheng.toml:1: secret: is shorter than 16"),
        ("[log]\nformat = 'xml'\n", "sansheng.toml:2: log.format: is 'xml', should be console or json"),
        ("[http]\ncertfile = 'x.pem'\n", "http.certfile: certfile and keyfile go together"),
        ("[headset]\nport = 8080\n", "sansheng.toml:2: headset.port: is the same as http.port"),
        ("data = 5\n", "sansheng.toml:1: data: "),
        ("[http\n", "is not valid TOML"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), environ={})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("SANSHENG_HTTP_PROT", "1", "SANSHENG_HTTP_PROT: there is no such variable; did you mean SANSHENG_HTTP_PORT?"),
        ("SANSHENG_HTTP_PORT", "many", "SANSHENG_HTTP_PORT: Expected `int`, got `str` (it is 'many')"),
        ("SANSHENG_RECORD", "maybe", "SANSHENG_RECORD: "),
        ("SANSHENG_SIP_RTP_PORTS", "5", "SANSHENG_SIP_RTP_PORTS: "),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(variable: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environ={variable: value, "SANSHENG_CONFIG": ""})
    assert told in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load_config(tmp_path / "none.toml", environ={})
    (tmp_path / "bad.toml").write_bytes(b"node = '\xff'")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_config(tmp_path / "bad.toml", environ={})


def test_passwords_and_the_secret_do_not_show_in_its_text(tmp_path: Path) -> None:
    text = FULL.replace('password = "p"', 'password = "hush-hush"').replace(
        'node = "phone7"', 'secret = "0123456789abcdef"'
    )
    shown = repr(load_config(write(tmp_path, text), environ={}))
    assert "hush-hush" not in shown
    assert "0123456789abcdef" not in shown


def test_every_scalar_setting_has_a_variable() -> None:
    assert variables()["SANSHENG_SESSION_GONE_SECONDS"] == "session.gone_seconds"
    assert variables()["SANSHENG_NODE"] == "node"


def test_the_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    config = ConsoleConfig(data=tmp_path / "data")
    first = with_secret(config).secret
    assert len(first) >= 32
    assert with_secret(config).secret == first
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
    assert with_secret(ConsoleConfig(secret="configured by hand")).secret == "configured by hand"


def test_a_secret_file_that_was_cut_short_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    with pytest.raises(ConfigError, match="too short"):
        with_secret(ConsoleConfig(data=tmp_path))


def test_dotted_keys_are_found_by_line() -> None:
    assert line_of("a = 1\nhttp.port = 2\n", "http.port") == 2
    assert line_of("a = 1\n", "http.port") == 0
