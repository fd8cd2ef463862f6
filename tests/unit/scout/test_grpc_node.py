"""The gRPC way of asking: the same paths and messages, for nodes whose RPC is off."""

from __future__ import annotations

import time
from concurrent import futures

import pytest

from cosmovisor.chain import upgrade
from cosmovisor.chain.messages import chain_pb2 as m
from cosmovisor.chain.rpc import NotServedError
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan
from cosmovisor.scout import grpc_node
from cosmovisor.scout.grpc_node import GrpcNode

grpc = pytest.importorskip("grpc")


@pytest.fixture
def serve():
    servers = []

    def start(answers: dict[str, bytes]) -> GrpcNode:
        class Handler(grpc.GenericRpcHandler):
            def service(self, details):
                answer = answers.get(details.method)
                return None if answer is None else grpc.unary_unary_rpc_method_handler(lambda *_: answer)

        server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Handler()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        node = GrpcNode(f"tcp://127.0.0.1:{port}", 30)
        servers.append((server, node))
        return node

    yield start
    for server, node in servers:
        node.close()
        server.stop(None).wait()


def info(chain_id: bytes = b"test-1") -> bytes:
    return m.NodeInfoResponse(
        node=m.NodeInfo(id=b"ab", network=chain_id, version=b"0.38")
    ).SerializeToString()


def test_status_and_plan_of_a_new_node(serve):
    now = int(time.time())
    plan = m.Plan(name=b"v2", height=9, info=b"i")
    node = serve(
        {
            grpc_node.NODE_INFO: info(),
            grpc_node.STATUS: m.NodeStatusResponse(
                earliest=3, height=77, time=m.Moment(seconds=now)
            ).SerializeToString(),
            upgrade.CURRENT_PLAN: m.CurrentPlanResponse(plan=plan).SerializeToString(),
        }
    )
    found = node.status()
    assert (found.height, found.chain_id, found.earliest, found.catching_up) == (77, "test-1", 3, False)
    assert upgrade.current_plan(node) == Plan("v2", 9, "i")
    with pytest.raises(NotServedError):
        node.abci_query("/cosmos.gov.v1.Query/Proposals")
    with pytest.raises(NotServedError):
        node.call("header", {})


def test_status_of_an_older_node_comes_from_its_latest_block(serve):
    header = m.BlockHeader(chain_id=b"test-1", height=12, time=m.Moment(seconds=5))
    block = m.LatestBlockResponse(block=m.Block(header=header)).SerializeToString()
    found = serve({grpc_node.NODE_INFO: info(), grpc_node.LATEST_BLOCK: block}).status()
    assert (found.height, found.catching_up, found.latest_block_time) == (12, True, 5.0)


def test_garbage_too_much_and_nobody_are_errors(serve):
    for answer in (b"\xff\xff\xff", b"x" * (grpc_node.ANSWER_LIMIT + 1)):
        with pytest.raises(ChainError):
            serve({grpc_node.NODE_INFO: answer}).status()
    node = GrpcNode("127.0.0.1:1", 5)
    with pytest.raises(ChainError) as caught:
        node.status()
    assert caught.value.facts["reached"] is False
    node.close()
