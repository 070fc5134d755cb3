"""A pause image made on the spot, for nodes that cannot pull one: a static program of a few hundred bytes.

Pure: `pause_archive` gives the tar archive that Docker imports. The program reaps orphaned children (it is PID 1 of a
pod that shares its process namespace) and exits on SIGTERM and SIGINT; in assembler terms, for each architecture:

    block all signals; loop: wait for SIGCHLD, SIGTERM or SIGINT; on SIGCHLD reap all children; else exit 0"""

from __future__ import annotations

import io
import struct
import tarfile

_BASE = 0x400000
_HEADER_BYTES = 64 + 56
_MACHINES = {"x86_64": 62, "aarch64": 183}
_SIGINT, _SIGTERM, _SIGCHLD = 2, 15, 17
_MASK = 1 << (_SIGINT - 1) | 1 << (_SIGTERM - 1) | 1 << (_SIGCHLD - 1)


class UnknownMachine(Exception):
    """There is no pause program for this architecture."""


def _x86_64() -> bytes:
    # rt_sigprocmask(SIG_BLOCK, &mask, NULL, 8); the mask lies on the stack
    code = b"\x48\xc7\xc0" + struct.pack("<I", _MASK)  # mov rax, mask
    code += b"\x50"  # push rax
    code += b"\xb8\x0e\x00\x00\x00"  # mov eax, 14
    code += b"\x31\xff"  # xor edi, edi
    code += b"\x48\x89\xe6"  # mov rsi, rsp
    code += b"\x31\xd2"  # xor edx, edx
    code += b"\x41\xba\x08\x00\x00\x00"  # mov r10d, 8
    code += b"\x0f\x05"
    loop = len(code)
    # rt_sigtimedwait(&mask, NULL, NULL, 8)
    code += b"\xb8\x80\x00\x00\x00"  # mov eax, 128
    code += b"\x48\x89\xe7"  # mov rdi, rsp
    code += b"\x31\xf6\x31\xd2"  # xor esi, esi; xor edx, edx
    code += b"\x41\xba\x08\x00\x00\x00"  # mov r10d, 8
    code += b"\x0f\x05"
    code += b"\x83\xf8\x11"  # cmp eax, SIGCHLD
    code += b"\x74\x0f"  # je reap (over the exit block)
    code += b"\x85\xc0"  # test eax, eax
    code += b"\x78" + struct.pack("b", loop - (len(code) + 2))  # js loop (EINTR)
    code += b"\xb8\x3c\x00\x00\x00"  # mov eax, 60
    code += b"\x31\xff"  # xor edi, edi
    code += b"\x0f\x05"
    code += b"\x90\x90"
    reap = len(code)
    # wait4(-1, NULL, WNOHANG, NULL)
    code += b"\xb8\x3d\x00\x00\x00"  # mov eax, 61
    code += b"\x48\xc7\xc7\xff\xff\xff\xff"  # mov rdi, -1
    code += b"\x31\xf6"  # xor esi, esi
    code += b"\xba\x01\x00\x00\x00"  # mov edx, 1
    code += b"\x45\x31\xd2"  # xor r10d, r10d
    code += b"\x0f\x05"
    code += b"\x85\xc0"  # test eax, eax
    code += b"\x7f" + struct.pack("b", reap - (len(code) + 2))  # jg reap
    code += b"\xeb" + struct.pack("b", loop - (len(code) + 2))  # jmp loop
    return code


def _aarch64() -> bytes:
    words = [
        0xD2800000 | (_MASK & 0xFFFF) << 5,  # movz x0, mask & 0xffff
        0xF2A00000 | (_MASK >> 16) << 5,  # movk x0, mask >> 16, lsl 16
        0xF81F0FE0,  # str x0, [sp, #-16]!
        0xD2800000,  # mov x0, 0 (SIG_BLOCK)
        0x910003E1,  # mov x1, sp
        0xD2800002,  # mov x2, 0
        0xD2800103,  # mov x3, 8
        0xD28010E8,  # mov x8, 135 (rt_sigprocmask)
        0xD4000001,  # svc 0
    ]
    loop = len(words)
    words += [
        0x910003E0,  # mov x0, sp
        0xD2800001,  # mov x1, 0
        0xD2800002,  # mov x2, 0
        0xD2800103,  # mov x3, 8
        0xD2801128,  # mov x8, 137 (rt_sigtimedwait)
        0xD4000001,  # svc 0
        0xF100441F,  # cmp x0, 17
        0x540000C0,  # b.eq +6 words (reap)
    ]
    words.append(_branch_if_negative(loop - len(words)))  # to loop, when interrupted
    words += [
        0xD2800000,  # mov x0, 0
        0xD2800BA8,  # mov x8, 93 (exit)
        0xD4000001,  # svc 0
        0xD503201F,  # nop
    ]
    reap = len(words)
    words += [
        0x92800000,  # mov x0, -1
        0xD2800001,  # mov x1, 0
        0xD2800022,  # mov x2, 1 (WNOHANG)
        0xD2800003,  # mov x3, 0
        0xD2802088,  # mov x8, 260 (wait4)
        0xD4000001,  # svc 0
        0xF100001F,  # cmp x0, 0
    ]
    words.append(0x5400000C | ((reap - len(words)) & 0x7FFFF) << 5)  # b.gt reap
    words.append(0x14000000 | ((loop - len(words)) & 0x3FFFFFF))  # b loop
    return b"".join(struct.pack("<I", word) for word in words)


def _branch_if_negative(offset: int) -> int:
    # The flags are those of cmp x0, 17, which is negative for SIGTERM as well: test the sign bit itself.
    return 0xB7F80000 | (offset & 0x3FFF) << 5  # tbnz x0, 63, offset


def pause_program(machine: str) -> bytes:
    """A static ELF executable for `machine` (x86_64 or aarch64); raises `UnknownMachine`."""
    if machine not in _MACHINES:
        raise UnknownMachine(f"no pause program for {machine}")
    code = _x86_64() if machine == "x86_64" else _aarch64()
    size = _HEADER_BYTES + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, _MACHINES[machine], 1, _BASE + _HEADER_BYTES, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def pause_archive(machine: str) -> bytes:
    """A tar archive with /pause alone."""
    program = pause_program(machine)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()


#: How the imported image is run.
PAUSE_CHANGES = ('ENTRYPOINT ["/pause"]', "USER 65535:65535")
