"""How the tests run the command."""

from lineal.cli import main as entry


def call(capsys, *argv):
    """Run the command in this process; return exit code, stdout and stderr."""
    try:
        code = entry.main([str(each) for each in argv])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err
