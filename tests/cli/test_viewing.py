"""`lineal view`: what is on the page, who is served it, and what it does in a browser."""

import http.client
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

import lineal
from lineal.cli import main as entry
from lineal.cli import viewing
from lineal.insight.viewing import page as pages
from lineal.insight.viewing.page import Page
from lineal.insight.viewing.serving import PageServer

MODEL = """
import lineal as torch
from lineal import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(4, 8)

    def forward(self, x):
        return torch.tanh(self.up(x)).sum(-1)

model = Block()

@torch.compile
def decompose(x):
    return torch.softmax(torch.linalg.qr(x @ x.T)[1], -1)

def fails(x):
    raise RuntimeError("never")

number = 3
"""
EVIL = "</script><script>document.title='bad'</script><img src=x onerror=\"document.title='bad'\">"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


@pytest.fixture
def runs(tmp_path):
    for name, scale in (("fast", 2.0), ("slow", 4.0)):
        (tmp_path / "runs" / name).mkdir(parents=True)
        lines = [json.dumps({"step": n, "loss": scale / n}) + "\n" for n in range(1, 50)]
        (tmp_path / "runs" / name / "steps.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path / "runs"


@pytest.fixture
def bare(monkeypatch):
    """Pages without plotly, which is 5 MB, whether it is installed or not."""
    monkeypatch.setattr(pages.importlib.util, "find_spec", lambda name: None)


def data_of(text: str) -> dict:
    """Return what the page's scripts read."""
    return json.loads(re.search(r'id="data"[^>]*>(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture
def alone(monkeypatch):
    """Leave `import torch` what it is in this process, where other tests may have imported PyTorch."""
    monkeypatch.setattr(viewing, "install", lambda: None)


def test_a_model_with_its_program(net, bare, alone):
    page = viewing.page_of(str(net), "Block", viewing.inputs_of([((2, 4), "float32")]))
    assert "Block" in page.title and page.summary.parameters == 40
    places = [box.place for box in page.drawing.diagram.boxes if box.lines[0] == "tanh"]
    assert places == ["net.py:11: return torch.tanh(self.up(x)).sum(-1)"] and f'data-place="{places[0]}"' in page.html
    data = data_of(page.html)
    assert [each["part"] for each in data["programs"]] == ["forward", "backward"]
    kernels = data["programs"][0]["kernels"]
    assert any("tanh" in each["loops"] for each in kernels) and all(each["microseconds"] > 0 for each in kernels)
    assert len(data["programs"][0]["memory"]) == len(kernels) + 1
    assert str(net.parent) not in page.html


def test_a_function_with_steps_of_the_host(net, bare, alone):
    page = viewing.page_of(str(net), "decompose", viewing.inputs_of([((40, 3), "float32")]))
    hosts = [each["name"] for each in page.programs[0]["kernels"] if each["host"]]
    assert hosts == ["QR"] and page.summary is None and "<h2>Layers" not in page.html
    assert max(page.programs[0]["memory"]) > 0


def test_traces_and_functions_that_run_eagerly(net, bare, alone):
    text = "import lineal as torch\n_, graph = torch.tracing.trace(lambda x: torch.softmax(x, -1), torch.ones(2, 2))\n"
    net.write_text(f"{text}def places(x):\n    return x.nonzero()\n", encoding="utf-8")
    inputs = viewing.inputs_of([((2, 2), "float32")])
    assert "Softmax" in [box.lines[0] for box in viewing.page_of(str(net), "graph", inputs).drawing.diagram.boxes]
    with pytest.warns(UserWarning, match="runs eagerly"):
        page = viewing.page_of(str(net), "places", inputs)
    assert page.programs == [] and "It runs eagerly: " in page.html and "depends on numbers" in page.html


def test_inputs_are_random_numbers_or_zeros():
    x, n, y = viewing.inputs_of([((2, 3), "float64"), ((4,), "int64"), ((2, 3), "bool")])
    assert x.dtype == lineal.float64 and x.std() > 0 and n.tolist() == [0] * 4 and not y.any()
    assert viewing.inputs_of([((2, 3), "float64")])[0].tolist() == x.tolist()
    with pytest.raises(ValueError, match="there is no dtype 'float99'"):
        viewing.inputs_of([((2,), "float99")])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "has no nothing"),
        ("model.nothing", "model has no nothing"),
        ("number", "number is no model and no function, but of type int"),
        ("fails", "fails fails for [2, 4]: RuntimeError: never"),
    ],
)
def test_mistakes_are_one_line(net, capsys, name, message, alone):
    assert entry.main(["view", f"{net}:{name}", "--input", "2,4", "--out", str(net.parent / "x.html")]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1 and not (net.parent / "x.html").exists()


def test_runs_beside_each_other(runs, capsys, bare):
    out = runs / "page.html"
    assert entry.main(["view", str(runs), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(out)}
    text = out.read_text(encoding="utf-8")
    found = data_of(text)["runs"]
    assert list(found) == [str(runs / "fast"), str(runs / "slow")]
    assert found[str(runs / "slow")]["step/loss"][:2] == [[1, 4.0], [2, 2.0]]
    assert 'pip install "lineal[view]"' in text.replace("&quot;", '"')
    assert entry.main(["view", str(runs), "--input", "2"]) == 2 and entry.main(["view", "nowhere"]) == 2


def test_what_is_shown_is_no_part_of_the_page(bare):
    drawing = lineal.draw(lineal.nn.Sequential(type(EVIL, (lineal.nn.Identity,), {})()), lineal.ones(2))
    text = Page(EVIL, drawing, eager=EVIL, runs={EVIL: {EVIL: [(1, None)]}}).html
    assert EVIL not in text and "<img" not in text
    assert data_of(text)["runs"] == {EVIL: {EVIL: [[1, None]]}}
    assert re.findall(r"<script(?![^>]*nonce=)", text) == []
    assert Page("a").html != Page("a").html, "each page has a nonce of its own"


@pytest.fixture
def server():
    pages = iter(f"page {n}" for n in range(100))
    with PageServer(lambda: next(pages)) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def asked(server, path: str, host: str | None = None) -> tuple[int, str]:
    """Ask the server for a path, as a browser that takes the machine for `host` does."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_only_who_knows_the_token_is_served(server):
    path = urlsplit(server.address).path
    assert server.server_address[0] == "127.0.0.1" and len(path) > 30
    assert asked(server, path) == (200, "page 0") and asked(server, path) == (200, "page 1")
    for other in ("/", path[:-2] + "/", path + "x", "/..%2f" + path, "/%C3%A4"):
        assert asked(server, other)[0] == 404
    for host in (
        "evil.example",
        f"evil.example:{server.server_port}",
        "127.0.0.1",
        f"127.0.0.1.evil.example:{server.server_port}",
    ):
        assert asked(server, path, host)[0] == 404
    assert asked(server, path, f"localhost:{server.server_port}")[0] == 200
    with PageServer(lambda: "") as other:
        assert urlsplit(other.address).path != path


def test_what_cannot_be_read_any_more_is_told():
    def gone():
        raise ValueError("steps.jsonl:3: <b>expected")

    with PageServer(gone) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        code, text = asked(server, urlsplit(server.address).path)
        server.shutdown()
        thread.join()
    assert code == 500 and "steps.jsonl:3: &lt;b&gt;expected" in text


@pytest.mark.slow
def test_a_program_for_pytorch_is_shown_on_lineal(net, tmp_path):
    net.write_text(MODEL.replace("lineal as torch", "torch").replace("lineal", "torch"), encoding="utf-8")
    argv = [sys.executable, "-m", "lineal", "view", f"{net}:model", "--input", "2,4", "--out", tmp_path / "x.html"]
    subprocess.run(argv, check=True)
    assert [each["part"] for each in data_of((tmp_path / "x.html").read_text("utf-8"))["programs"]] == ["forward", "backward"]


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(runs):
    argv = [sys.executable, "-m", "lineal", "view", str(runs), "--no-browser", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [process.stdout.readline() for _ in range(3)]
            url = json.loads("".join(lines))["url"]
            (runs / "slow" / "steps.jsonl").write_text('{"step": 1, "loss": 7}\n', encoding="utf-8")
            with urllib.request.urlopen(url, timeout=30) as answer:
                found = data_of(answer.read().decode())["runs"]
        finally:
            process.terminate()
    assert found[str(runs / "slow")] == {"step/loss": [[1, 7]]}


@pytest.fixture
def browser():
    selenium = pytest.importorskip("selenium.webdriver")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver")
    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for each in "headless no-sandbox disable-gpu no-first-run disable-background-networking disable-sync".split():
        options.add_argument(f"--{each}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
    yield driver
    driver.quit()


def sized(browser, width: int, scheme: str) -> None:
    """Let the page be so wide, and in the dark or in the light."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_graph_in_a_browser(browser, net, alone):
    page = viewing.page_of(str(net), "model", viewing.inputs_of([((2, 4), "float32")]))
    page.save(net.parent / "page.html")
    sized(browser, 400, "dark")
    browser.get((net.parent / "page.html").as_uri())
    ask = browser.execute_script
    assert ask("return document.documentElement.scrollWidth") <= 400
    assert ask("return getComputedStyle(document.body).backgroundColor") == "rgb(17, 20, 24)"
    keys = importlib.import_module("selenium.webdriver.common.keys").Keys
    focused = lambda: browser.switch_to.active_element
    frame = browser.find_element("id", "graph")
    view = lambda: [float(each) for each in ask("return document.querySelector('#graph svg').getAttribute('viewBox')").split()]
    before = view()
    frame.send_keys("+")
    assert view()[2] == pytest.approx(0.8 * before[2])
    frame.send_keys(keys.ARROW_RIGHT)
    assert view()[0] > before[0]
    frame.send_keys("0")
    assert view() == pytest.approx(before)
    frame.send_keys("/")
    assert focused().get_attribute("id") == "search"
    focused().send_keys("tanh")
    assert browser.find_element("id", "hits").text == "1 found" and len(browser.find_elements("css selector", ".box.hit")) == 1
    focused().send_keys(keys.ENTER)
    assert browser.find_element("id", "told").text.splitlines() == ["tanh", "net.py:11: return torch.tanh(self.up(x)).sum(-1)"]
    focused().send_keys(keys.ESCAPE)
    assert browser.find_elements("css selector", ".box.hit") == []
    box = next(each for each in browser.find_elements("css selector", "#graph .box") if "Linear" in each.text)
    box.click()
    assert "up: Linear" in browser.find_element("id", "told").text
    first = browser.find_element("css selector", ".kernel summary")
    first.send_keys(keys.ENTER)
    assert browser.find_element("css selector", ".kernel[open] pre").is_displayed()
    assert browser.get_log("browser") == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_graph_that_is_too_large_begins_where_it_begins(browser, tmp_path):
    model = lineal.nn.Sequential(*(lineal.nn.Linear(2, 2) for _ in range(60)))
    Page("long", lineal.draw(model, lineal.ones(1, 2))).save(tmp_path / "page.html")
    sized(browser, 400, "light")
    browser.get((tmp_path / "page.html").as_uri())
    first, *_, last = browser.find_elements("css selector", "#graph .box")
    frame = browser.find_element("id", "graph").rect
    inside = lambda box: frame["y"] <= box.rect["y"] <= frame["y"] + frame["height"]
    assert first.text.startswith("input 0") and first.rect["height"] > 20 and inside(first) and not inside(last)
    browser.find_element("id", "whole").click()
    assert inside(first) and inside(last)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_curves_in_a_browser(browser, runs, tmp_path):
    pytest.importorskip("plotly")
    found = viewing.page_of_runs([str(runs)]).runs
    Page(EVIL, runs={**found, EVIL: {"step/loss": [(1, 2.0), (2, None), (3, 1.0)]}}).save(tmp_path / "page.html")
    for width, scheme in ((400, "dark"), (1100, "light")):
        sized(browser, width, scheme)
        browser.get((tmp_path / "page.html").as_uri())
        until = time.monotonic() + 20
        while time.monotonic() < until and len(browser.find_elements("css selector", "#runs .scatterlayer .trace")) < 3:
            time.sleep(0.1)
        assert len(browser.find_elements("css selector", "#runs .scatterlayer .trace")) == 3
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.title == EVIL and browser.find_elements("css selector", "img[onerror]") == []
        ink = browser.execute_script("return getComputedStyle(document.querySelector('#runs .xtick text')).fill")
        assert ink == ("rgb(229, 231, 235)" if scheme == "dark" else "rgb(17, 24, 39)")
        assert browser.get_log("browser") == []
