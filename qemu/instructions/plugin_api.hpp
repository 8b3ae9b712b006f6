// SPDX-License-Identifier: Apache-2.0
// What the counting plugin uses of QEMU's plugin API, of version CFS_PLUGIN_API: 1 (QEMU 4.2 to 8.2) or 3
// (9.1 to 10). No package of Debian has its header. The functions are QEMU's own and found when it loads the
// plugin.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the names are QEMU's.
using qemu_plugin_id_t = std::uint64_t;
struct qemu_plugin_tb;    // a translated block: instructions that are executed one after the other
struct qemu_plugin_insn;  // one of them

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

using qemu_plugin_vcpu_tb_trans_cb_t = void (*)(qemu_plugin_id_t, qemu_plugin_tb*);
using qemu_plugin_vcpu_udata_cb_t = void (*)(unsigned vcpu, void* userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, qemu_plugin_vcpu_tb_trans_cb_t);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, qemu_plugin_vcpu_udata_cb_t,
                                            qemu_plugin_cb_flags, void* userdata);
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
std::uint64_t qemu_plugin_tb_vaddr(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, std::size_t index);
std::size_t qemu_plugin_insn_size(const qemu_plugin_insn*);
std::uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn*);
// Where the instruction lies in the memory of this process, null if not in RAM.
void* qemu_plugin_insn_haddr(const qemu_plugin_insn*);

#if CFS_PLUGIN_API == 1
void qemu_plugin_register_vcpu_tb_exec_inline(qemu_plugin_tb*, qemu_plugin_op, void* number,
                                              std::uint64_t added);
const void* qemu_plugin_insn_data(const qemu_plugin_insn*);
#elif CFS_PLUGIN_API == 3
struct qemu_plugin_scoreboard;  // something of one size for each processor
struct qemu_plugin_u64 {
  qemu_plugin_scoreboard* score;
  std::size_t offset;
};
qemu_plugin_scoreboard* qemu_plugin_scoreboard_new(std::size_t size);
void* qemu_plugin_scoreboard_find(qemu_plugin_scoreboard*, unsigned vcpu);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(qemu_plugin_tb*, qemu_plugin_op, qemu_plugin_u64,
                                                       std::uint64_t added);
std::size_t qemu_plugin_insn_data(const qemu_plugin_insn*, void* bytes, std::size_t size);
#else
#error "no such version of the plugin API is known"
#endif

// What QEMU looks for in the plugin. qemu_plugin_install() gets as `info` the name of the architecture first.
extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t, const void* info, int argc, char** argv);
// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

}  // extern "C"
