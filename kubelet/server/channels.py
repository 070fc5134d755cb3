"""Several streams over one WebSocket: each message begins with a byte that names its channel.

In the base64 subprotocols a message is a text instead: a digit (or what follows the digits), and the encoded data."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web


class Channels:
    """Messages of one socket, in the form that its subprotocol gives them."""

    def __init__(self, socket: web.WebSocketResponse, protocol: str) -> None:
        self._socket = socket
        self._encoded = "base64" in protocol

    async def send(self, channel: int, data: bytes) -> None:
        """One message."""
        if self._encoded:
            await self._socket.send_str(chr(ord("0") + channel) + base64.b64encode(data).decode())
        else:
            await self._socket.send_bytes(bytes([channel]) + data)

    async def received(self) -> AsyncIterator[tuple[int, bytes]]:
        """(channel, data) of what the client sends, until it leaves; what makes no sense is dropped."""
        async for message in self._socket:
            if message.type is WSMsgType.BINARY and message.data and not self._encoded:
                yield message.data[0], message.data[1:]
            elif message.type is WSMsgType.TEXT and message.data and self._encoded:
                try:
                    yield ord(message.data[0]) - ord("0"), base64.b64decode(message.data[1:], validate=True)
                except (binascii.Error, ValueError):  # ValueError: letters beyond ASCII
                    continue
