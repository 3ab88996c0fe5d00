# Answers each line with a line, both JSON: what NodeSet, the module behind nodeset, makes of an expression or of names.
import json
import sys

import ClusterShell
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ClusterShell.NodeUtils import GroupResolver, GroupSource


def expanded(question):
    groups = GroupResolver(GroupSource("test", question["groups"]))
    try:
        nodes = NodeSet(question["expand"], resolver=groups)
    except NodeSetException:
        return None
    same = nodes == NodeSet(question["ours"], resolver=RESOLVER_NOGROUP)
    return {"names": list(nodes), "len": len(nodes), "folded": str(nodes), "same": same}


def folded(question):
    nodes = NodeSet.fromlist(question["fold"], resolver=RESOLVER_NOGROUP)
    ours = NodeSet(question["ours"], resolver=RESOLVER_NOGROUP)
    return {"folded": str(nodes), "same": nodes == ours}


print(json.dumps(ClusterShell.__version__))
for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps((expanded if "expand" in question else folded)(question)))
