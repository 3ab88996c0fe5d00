"""A command on many machines with parallel-ssh of PyPI: AT_ONCE PATIENCE COMMAND HOST..."""
import os
import sys

from pssh.clients import ParallelSSHClient

at_once, patience, command, *hosts = sys.argv[1:]
client = ParallelSSHClient(
    hosts, user="root", pkey=os.path.expanduser("~/.ssh/id_ed25519"), pool_size=int(at_once),
    timeout=int(patience), num_retries=1,
)
failed = False
for output in client.run_command(command, stop_on_errors=False):
    try:
        for line in output.stdout or ():
            print(f"{output.host}: {line}")
    except Exception as error:
        print(f"{output.host}: {error}", file=sys.stderr)
    failed |= output.exception is not None or output.exit_code != 0
sys.exit(1 if failed else 0)
