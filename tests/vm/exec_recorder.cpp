// SPDX-License-Identifier: Apache-2.0
// The init of a root whose boot is to be recorded: has a child record all that is executed, and executes
// systemd.
//
// The child takes two kinds of records of every processor from perf_event_open(2): each mapping with
// PROT_EXEC, of programs, interpreters and libraries alike, with the file that the kernel reads; and each
// execve(2), with the name that was executed, which shows scripts too. Since it starts before systemd,
// nothing is executed before. Once the file /run/exec-recorder/stop is there, it writes
// /run/exec-recorder/record, a line each:
//
//   map MAJOR:MINOR PATH     PATH as the kernel has it: below a mount in nobody's view, from that mount's
//   root exec MAJOR:MINOR PATH    the device of what PATH names at the end; 0:0 if nothing lost NUMBER
//   records that did not fit; must be 0
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr std::size_t ring_bytes = 8UL << 20;  // of each processor and kind of record; a power of 2

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::abort();
}

class Ring {
 public:
  Ring(perf_event_attr attributes, int processor) {
    attributes.size = sizeof attributes;
    attributes.sample_period = 1;
    const long fd = ::syscall(SYS_perf_event_open, &attributes, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const memory = fd < 0 ? MAP_FAILED
                                : ::mmap(nullptr, page + ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                                         static_cast<int>(fd), 0);
    if (memory == MAP_FAILED) {
      give_up("perf_event_open");
    }
    header_ = static_cast<perf_event_mmap_page*>(memory);
    data_ = static_cast<const char*>(memory) + page;
  }

  // Calls `take` with each new record, header included.
  template <class Take>
  void drain(const Take& take) {
    const std::uint64_t head = __atomic_load_n(&header_->data_head, __ATOMIC_ACQUIRE);
    while (tail_ < head) {
      perf_event_header header{};
      copy(&header, tail_, sizeof header);
      std::string record(header.size, '\0');
      copy(record.data(), tail_, record.size());
      tail_ += header.size;
      take(header.type, record);
    }
    __atomic_store_n(&header_->data_tail, tail_, __ATOMIC_RELEASE);
  }

 private:
  void copy(void* to, std::uint64_t from, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) {
      static_cast<char*>(to)[i] = data_[(from + i) % ring_bytes];
    }
  }
  perf_event_mmap_page* header_;
  const char* data_;
  std::uint64_t tail_ = 0;
};

template <class T>
T field(const std::string& record, std::size_t offset) {
  T value{};
  std::memcpy(&value, record.data() + offset, sizeof value);
  return value;
}

// The number of the tracepoint sched:sched_process_exec, from a tracefs that only this process sees.
std::uint64_t exec_tracepoint() {
  char number[32] = {};
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tracefs", "/run", "tracefs", 0, nullptr) != 0) {
    give_up("mount tracefs");
  }
  const int file = ::open("/run/events/sched/sched_process_exec/id", O_RDONLY | O_CLOEXEC);
  if (file < 0 || ::read(file, number, sizeof number - 1) <= 0) {
    give_up("sched_process_exec");
  }
  ::close(file);
  ::umount("/run");
  return std::strtoull(number, nullptr, 10);
}

std::string device_of(unsigned major, unsigned minor) {
  return std::to_string(major) + ':' + std::to_string(minor);
}

[[noreturn]] void record(int ready) {
  perf_event_attr mappings{};
  mappings.type = PERF_TYPE_SOFTWARE;
  mappings.config = PERF_COUNT_SW_DUMMY;
  mappings.mmap = 1;
  mappings.mmap2 = 1;
  perf_event_attr executions{};
  executions.type = PERF_TYPE_TRACEPOINT;
  executions.config = exec_tracepoint();
  executions.sample_type = PERF_SAMPLE_RAW;
  std::vector<Ring> rings;
  const int processors = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  for (int processor = 0; processor < processors; ++processor) {
    rings.emplace_back(mappings, processor);
    rings.emplace_back(executions, processor);
  }
  (void)!::write(ready, "", 1);
  ::close(ready);

  std::set<std::string> maps;
  std::set<std::string> names;
  std::uint64_t lost = 0;
  const auto take = [&](std::uint32_t type, const std::string& bytes) {
    if (type == PERF_RECORD_MMAP2) {
      // struct { header; u32 pid, tid; u64 addr, len, pgoff; u32 maj, min; u64 ino, generation; u32 prot,
      // flags; char filename[]; }
      maps.insert("map " + device_of(field<std::uint32_t>(bytes, 40), field<std::uint32_t>(bytes, 44)) + ' ' +
                  (bytes.c_str() + 72));
    } else if (type == PERF_RECORD_SAMPLE) {
      // struct { header; u32 size; char data[size]; }, whose data is struct { u16, u8, u8, s32; __data_loc
      // filename; }
      const std::size_t raw = sizeof(perf_event_header) + 4;
      names.insert(bytes.c_str() + raw + (field<std::uint32_t>(bytes, raw + 8) & 0xffff));
    } else if (type == PERF_RECORD_LOST) {
      lost += field<std::uint64_t>(bytes, sizeof(perf_event_header) + 8);
    }
  };
  for (bool stop = false; !stop;) {
    ::usleep(20000);
    stop = ::access("/run/exec-recorder/stop", F_OK) == 0;
    for (Ring& ring : rings) {
      ring.drain(take);
    }
  }
  const std::string temporary = "/run/exec-recorder/.record";
  FILE* const file = std::fopen(temporary.c_str(), "we");
  if (file == nullptr) {
    give_up("write the record");
  }
  for (const std::string& map : maps) {
    (void)std::fprintf(file, "%s\n", map.c_str());
  }
  for (const std::string& name : names) {
    struct stat status{};
    const bool there = ::stat(name.c_str(), &status) == 0;
    (void)std::fprintf(file, "exec %s %s\n",
                       there ? device_of(major(status.st_dev), minor(status.st_dev)).c_str() : "0:0",
                       name.c_str());
  }
  (void)std::fprintf(file, "lost %llu\n", static_cast<unsigned long long>(lost));
  if (std::fclose(file) != 0 || std::rename(temporary.c_str(), "/run/exec-recorder/record") != 0) {
    give_up("write the record");
  }
  std::exit(0);
}

}  // namespace

int main(int, char** argv) {
  constexpr auto init = "/usr/lib/systemd/systemd.recorded";
  int ready[2];
  if (::getpid() == 1) {
    if (::pipe2(ready, O_CLOEXEC) != 0) {
      give_up("pipe");
    }
    const pid_t child = ::fork();
    if (child == 0) {
      // What systemd hands on to itself when it is executed anew.
      ::dup2(ready[1], 3);
      ::close_range(4, ~0U, 0);
      record(3);
    }
    ::close(ready[1]);
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);  // also returns when the child has ended: then there is no record
    ::close(ready[0]);
  }
  ::execv(init, argv);
  give_up(init);
}
