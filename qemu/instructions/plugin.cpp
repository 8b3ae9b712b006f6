// SPDX-License-Identifier: Apache-2.0
// A plugin of QEMU that counts the instructions of a machine with one processor, and says how many there were
// when each stage of the boot ended.
//
//   -plugin FILE,stages=PATH,go=PATH[,blocks=PATH]
//           [,kernel-entry=ADDRESS][,kernel-start=ADDRESS][,init-exec=ADDRESS][,root-init=OFFSET:HASH]
//
// Addresses, offset and hash are hexadecimal: stages that no marker ends, but the first execution of code
// there (see Stage). root-init is the code at OFFSET of a page of user space whose page_hash() is HASH, once
// a root is attached: an initrd may have the same program. init-entry is the first code of user space after
// init-exec.
//
// A line "STAGE COUNT REPEATS" is written to the pipe `stages` at each marker, at once; then the machine
// stands still until there is a byte in the pipe `go`. COUNT is the number of instructions up to the marker,
// itself included. Of a string instruction with a repeat prefix each repetition counts, as QEMU executes it;
// REPEATS says how many of COUNT are repetitions. A block counts when it is entered: the rest of one that a
// page fault ends is counted although it comes again. A halted processor executes nothing.
//
// `blocks`, for a profile: for each stage a line "stage NAME", then "ADDRESS HASH COUNT" for each block that
// was executed since the stage before. HASH is 0 for code of the kernel.
#include "plugin_api.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "cfs/base/stage_marker.hpp"
#include "page_hash.hpp"

int qemu_plugin_version = CFS_PLUGIN_API;

namespace cfs::instructions {
namespace {

constexpr std::uint64_t user_end = 0x0000800000000000;  // x86-64: the kernel's half lies above

// A number that the code of blocks adds to when they are entered.
class Number {
 public:
  void add_at(qemu_plugin_tb* block, std::uint64_t added);
  void reset() { value() = 0; }
  [[nodiscard]] operator std::uint64_t() const { return value(); }

 private:
#if CFS_PLUGIN_API == 1
  [[nodiscard]] std::uint64_t& value() const { return value_; }

  mutable std::uint64_t value_ = 0;  // at an address that stays, as QEMU keeps it
#else
  [[nodiscard]] std::uint64_t& value() const {
    return *static_cast<std::uint64_t*>(qemu_plugin_scoreboard_find(board_, 0));
  }

  qemu_plugin_scoreboard* board_ = qemu_plugin_scoreboard_new(sizeof(std::uint64_t));
#endif
};

#if CFS_PLUGIN_API == 1
void Number::add_at(qemu_plugin_tb* block, std::uint64_t added) {
  qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &value_, added);
}
#else
void Number::add_at(qemu_plugin_tb* block, std::uint64_t added) {
  qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, QEMU_PLUGIN_INLINE_ADD_U64, {board_, 0}, added);
}
#endif

// Of code translated once or, with the same contents, several times.
struct Block {
  std::uint64_t address = 0;
  std::uint64_t hash = 0;
  std::uint64_t instructions = 0;  // of one execution
  Number executions;
};

// Where a stage ends that has no marker.
struct Place {
  Stage stage = Stage::kernel_entry;
  std::uint64_t address = 0;
  std::uint64_t hash = 0;  // 0: `address` is the whole address, else an offset in a page
};

// An instruction that ends a stage.
struct Mark {
  Stage stage;
  std::uint64_t after;  // instructions after it in its block
  bool recognised;      // by its place: only its first execution counts
};

// One processor, one thread: nothing here is shared.
class Counter {
 public:
  [[nodiscard]] bool configure(std::string_view argument);
  [[nodiscard]] bool ready() const { return stages_ >= 0 && go_ >= 0; }
  void translate(qemu_plugin_tb* block);

 private:
  static void reach(unsigned, void* mark);
  void end(const Mark& mark);
  void write_blocks(Stage stage);
  [[nodiscard]] bool ended(Stage stage) const { return ended_[static_cast<std::size_t>(stage)]; }
  [[nodiscard]] const Place* place_of(std::uint64_t address, std::uint64_t hash) const;
  void mark(qemu_plugin_insn* instruction, const Mark& mark);

  int stages_ = -1;
  int go_ = -1;
  std::unique_ptr<FILE, int (*)(FILE*)> blocks_file_{nullptr, std::fclose};
  std::deque<Place> places_;
  Place init_entry_{.stage = Stage::init_entry};
  std::deque<Mark> marks_;  // at addresses that stay, as QEMU keeps them
  Number count_;
  Number repeats_;
  std::array<bool, stage_names.size()> ended_{};
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, Block> blocks_;
};

Counter& counter() {
  static Counter one;
  return one;
}

// The bytes of an instruction.
struct Opcode {
  explicit Opcode(const qemu_plugin_insn* instruction)
      : size(std::min(qemu_plugin_insn_size(instruction), bytes.size())) {
#if CFS_PLUGIN_API == 1
    std::memcpy(bytes.data(), qemu_plugin_insn_data(instruction), size);
#else
    (void)qemu_plugin_insn_data(instruction, bytes.data(), size);
#endif
  }

  static constexpr std::size_t longest = 15;  // on x86
  std::array<unsigned char, longest> bytes{};
  std::size_t size;
};

std::optional<Stage> marked_stage(const Opcode& code) {
  if (code.size != marker_opcode.size() + sizeof marker_magic ||
      std::memcmp(code.bytes.data(), marker_opcode.data(), marker_opcode.size()) != 0) {
    return std::nullopt;
  }
  std::uint32_t displacement = 0;
  std::memcpy(&displacement, code.bytes.data() + marker_opcode.size(), sizeof displacement);
  const std::uint32_t number = displacement & 0xff;
  if ((displacement & ~0xffU) != marker_magic || number >= stage_names.size()) {
    return std::nullopt;
  }
  return static_cast<Stage>(number);
}

// A string instruction with a repeat prefix: QEMU jumps back to it for each repetition.
bool repeats(const Opcode& code) {
  bool prefix = false;
  for (std::size_t i = 0; i + 1 < code.size; ++i) {
    prefix = prefix || code.bytes[i] == 0xf2 || code.bytes[i] == 0xf3;
  }
  const unsigned char opcode = code.bytes[code.size - 1];
  return prefix && ((opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
                    (opcode >= 0xaa && opcode <= 0xaf));
}

// Of the page of user space in which an instruction lies; 0 for the kernel's.
std::uint64_t hash_of_code(const qemu_plugin_insn* instruction) {
  const auto* const host = static_cast<const unsigned char*>(qemu_plugin_insn_haddr(instruction));
  const std::uint64_t address = qemu_plugin_insn_vaddr(instruction);
  return address >= user_end || host == nullptr ? 0 : page_hash(host - address % page_size);
}

bool Counter::configure(std::string_view argument) {
  const auto equals = argument.find('=');
  const std::string name(argument.substr(0, equals));
  const std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
  if (name == "stages") {
    stages_ = ::open(value.c_str(), O_WRONLY | O_CLOEXEC);
    return stages_ >= 0;
  }
  if (name == "go") {
    go_ = ::open(value.c_str(), O_RDONLY | O_CLOEXEC);
    return go_ >= 0;
  }
  if (name == "blocks") {
    blocks_file_.reset(std::fopen(value.c_str(), "we"));
    return blocks_file_ != nullptr;
  }
  const auto stage = stage_by_name(name);
  Place place;
  char* end = nullptr;
  place.address = std::strtoull(value.c_str(), &end, 16);
  if (stage == Stage::root_init && *end == ':') {
    place.hash = std::strtoull(end + 1, &end, 16);
  }
  if (!stage || value.empty() || *end != '\0' || (*stage == Stage::root_init) != (place.hash != 0)) {
    return false;
  }
  place.stage = *stage;
  places_.push_back(place);
  return true;
}

const Place* Counter::place_of(std::uint64_t address, std::uint64_t hash) const {
  if (ended(Stage::init_exec) && !ended(Stage::init_entry) && address < user_end) {
    return &init_entry_;
  }
  for (const Place& place : places_) {
    const bool here = place.hash == 0
                          ? address == place.address
                          : hash == place.hash && address % page_size == place.address % page_size;
    if (here && !ended(place.stage)) {
      return &place;
    }
  }
  return nullptr;
}

void Counter::mark(qemu_plugin_insn* instruction, const Mark& mark) {
  marks_.push_back(mark);
  qemu_plugin_register_vcpu_insn_exec_cb(instruction, reach, QEMU_PLUGIN_CB_NO_REGS, &marks_.back());
}

void Counter::translate(qemu_plugin_tb* block) {
  const std::size_t instructions = qemu_plugin_tb_n_insns(block);
  const std::uint64_t address = qemu_plugin_tb_vaddr(block);
  qemu_plugin_insn* const first = qemu_plugin_tb_get_insn(block, 0);
  const bool profile = blocks_file_ != nullptr;
  const std::uint64_t hash = ended(Stage::init_entry) || profile ? hash_of_code(first) : 0;

  count_.add_at(block, instructions);
  if (repeats(Opcode(first))) {
    repeats_.add_at(block, 1);
  }
  if (profile) {
    Block& known = blocks_[{address, hash, instructions}];
    known.address = address;
    known.hash = hash;
    known.instructions = instructions;
    known.executions.add_at(block, 1);
  }
  for (std::size_t i = 0; i < instructions; ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    if (const auto stage = marked_stage(Opcode(instruction))) {
      mark(instruction, {*stage, instructions - i - 1, false});
    } else if (const Place* const place = place_of(qemu_plugin_insn_vaddr(instruction), hash)) {
      mark(instruction, {place->stage, instructions - i - 1, true});
    }
  }
}

void Counter::reach(unsigned, void* mark) {
  counter().end(*static_cast<const Mark*>(mark));
}

void Counter::end(const Mark& mark) {
  const bool too_early = mark.stage == Stage::root_init && !ended(Stage::attached);
  if (mark.recognised && (too_early || ended(mark.stage))) {
    return;
  }
  ended_[static_cast<std::size_t>(mark.stage)] = true;
  std::array<char, 128> line;
  const int length =
      std::snprintf(line.data(), line.size(), "%s %" PRIu64 " %" PRIu64 "\n",
                    std::string(name(mark.stage)).c_str(), count_ - mark.after, std::uint64_t{repeats_});
  if (::write(stages_, line.data(), static_cast<std::size_t>(length)) != length) {
    std::perror("counting instructions: write a stage");
    std::abort();
  }
  if (blocks_file_ != nullptr) {
    write_blocks(mark.stage);
  }
  char byte = 0;
  if (::read(go_, &byte, 1) != 1) {
    std::perror("counting instructions: wait for the observer");
    std::abort();
  }
}

void Counter::write_blocks(Stage stage) {
  FILE* const file = blocks_file_.get();
  (void)std::fprintf(file, "stage %s\n", std::string(name(stage)).c_str());
  for (auto& [key, block] : blocks_) {
    if (block.executions != 0) {
      (void)std::fprintf(file, "%" PRIx64 " %" PRIx64 " %" PRIu64 "\n", block.address, block.hash,
                         block.executions * block.instructions);
      block.executions.reset();
    }
  }
  if (std::fflush(file) != 0) {
    std::perror("counting instructions: write the blocks");
    std::abort();
  }
}

}  // namespace
}  // namespace cfs::instructions

int qemu_plugin_install(qemu_plugin_id_t id, const void*, int argc, char** argv) {
  auto& counter = cfs::instructions::counter();
  for (int i = 0; i < argc; ++i) {
    if (!counter.configure(argv[i])) {
      (void)std::fprintf(stderr, "counting instructions: %s: not understood, or cannot be written\n",
                         argv[i]);
      return 1;
    }
  }
  if (!counter.ready()) {
    (void)std::fputs("counting instructions: stages=PATH or go=PATH is missing\n", stderr);
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(
      id, [](qemu_plugin_id_t, qemu_plugin_tb* block) { cfs::instructions::counter().translate(block); });
  return 0;
}
