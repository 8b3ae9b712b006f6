// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/boot_times.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <thread>

#include "cfs/base/fd.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto manager = "/org/freedesktop/systemd1";
constexpr auto unit_signature = "(ssssssouso)";

struct ListedUnit {
  std::string name;
  std::string path;
  std::string following;
};

// What a manager answers; what is not here, it does not know.
struct Answers {
  std::string version = "257";
  std::map<std::string, std::map<std::string, std::uint64_t>> properties;  // by object path
  std::vector<ListedUnit> units;
  std::string list_signature = unit_signature;
};

// Speaks D-Bus at a socket, to the first that comes, as systemd does at its private one.
class Manager {
 public:
  explicit Manager(Answers answers)
      : answers_(std::move(answers)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::ranges::copy(socket(), address.sun_path);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // in case that nobody came
    thread_.join();
  }

  [[nodiscard]] std::string socket() const { return directory_.path("private"); }

 private:
  void serve() {
    const int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    sd_bus* bus = nullptr;
    EXPECT_GE(::sd_bus_new(&bus), 0);
    EXPECT_GE(::sd_bus_set_fd(bus, connection, connection), 0);
    EXPECT_GE(::sd_bus_set_server(bus, 1, {}), 0);
    EXPECT_GE(::sd_bus_add_fallback(bus, nullptr, manager, answer, this), 0);
    EXPECT_GE(::sd_bus_start(bus), 0);
    int processed = 0;
    while (processed >= 0) {  // until the other side goes away
      processed = ::sd_bus_process(bus, nullptr);
      if (processed == 0) {
        processed = ::sd_bus_wait(bus, UINT64_MAX);
      }
    }
    ::sd_bus_close_unref(bus);
  }

  static int answer(sd_bus_message* call, void* self, sd_bus_error* /*error*/) {
    const Answers& answers = static_cast<Manager*>(self)->answers_;
    if (::sd_bus_message_is_method_call(call, "org.freedesktop.systemd1.Manager", "ListUnits") != 0) {
      return list_units(call, answers);
    }
    const char* interface = nullptr;
    const char* property = nullptr;
    EXPECT_GT(::sd_bus_message_read(call, "ss", &interface, &property), 0);
    const auto object = answers.properties.find(::sd_bus_message_get_path(call));
    if (object == answers.properties.end()) {
      return ::sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "It is gone");
    }
    if (property == std::string("Version")) {
      return ::sd_bus_reply_method_return(call, "v", "s", answers.version.c_str());
    }
    const auto value = object->second.find(property);
    if (value == object->second.end()) {
      return ::sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_PROPERTY, "No\nsuch property");
    }
    return ::sd_bus_reply_method_return(call, "v", "t", value->second);
  }

  static int list_units(sd_bus_message* call, const Answers& answers) {
    sd_bus_message* reply = nullptr;
    EXPECT_GE(::sd_bus_message_new_method_return(call, &reply), 0);
    EXPECT_GE(::sd_bus_message_open_container(reply, 'a', answers.list_signature.c_str()), 0);
    if (answers.list_signature == unit_signature) {
      for (const ListedUnit& unit : answers.units) {
        EXPECT_GE(::sd_bus_message_append(reply, unit_signature, unit.name.c_str(), "Description", "loaded",
                                          "active", "running", unit.following.c_str(), unit.path.c_str(), 0,
                                          "", "/"),
                  0);
      }
    }
    EXPECT_GE(::sd_bus_message_close_container(reply), 0);
    const int sent = ::sd_bus_send(nullptr, reply, nullptr);
    ::sd_bus_message_unref(reply);
    return sent;
  }

  Answers answers_;
  TempDirectory directory_;
  Fd listener_;
  std::thread thread_;
};

Answers usual() {
  Answers answers;
  answers.properties[manager] = {
      {"FirmwareTimestampMonotonic", 30},         {"LoaderTimestampMonotonic", 20},
      {"InitRDTimestampMonotonic", 100},          {"UserspaceTimestampMonotonic", 200},
      {"GeneratorsStartTimestampMonotonic", 210}, {"GeneratorsFinishTimestampMonotonic", 220},
      {"UnitsLoadStartTimestampMonotonic", 230},  {"UnitsLoadFinishTimestampMonotonic", 240},
      {"FinishTimestampMonotonic", 900},
  };
  return answers;
}

void add_unit(Answers& answers, const std::string& name, const std::string& following,
              std::uint64_t first_time) {
  const std::string path = std::string(manager) + "/unit/" + name;
  answers.units.push_back({.name = name + ".service", .path = path, .following = following});
  answers.properties[path] = {{"InactiveExitTimestampMonotonic", first_time},
                              {"ActiveEnterTimestampMonotonic", first_time + 1},
                              {"ActiveExitTimestampMonotonic", first_time + 2},
                              {"InactiveEnterTimestampMonotonic", first_time + 3}};
}

TEST(BootTimes, AreWhatSystemdSays) {
  Answers answers = usual();
  add_unit(answers, "late", "", 500);
  add_unit(answers, "early", "", 300);
  const Manager systemd(answers);
  const auto times = read_boot_times(systemd.socket());
  ASSERT_TRUE(times) << times.error().what();
  EXPECT_EQ(times->systemd_version, "257");
  EXPECT_EQ(times->firmware_us, 30U);
  EXPECT_EQ(times->loader_us, 20U);
  EXPECT_EQ(times->initrd_us, 100U);
  EXPECT_EQ(times->userspace_us, 200U);
  EXPECT_EQ(times->generators_start_us, 210U);
  EXPECT_EQ(times->generators_finish_us, 220U);
  EXPECT_EQ(times->units_load_start_us, 230U);
  EXPECT_EQ(times->units_load_finish_us, 240U);
  EXPECT_EQ(times->finish_us, 900U);
  ASSERT_EQ(times->units.size(), 2U);
  const BootTimes::Unit& unit = times->units[0];
  EXPECT_EQ(unit.name, "late.service");
  EXPECT_EQ(unit.inactive_exit_us, 500U);
  EXPECT_EQ(unit.active_enter_us, 501U);
  EXPECT_EQ(unit.active_exit_us, 502U);
  EXPECT_EQ(unit.inactive_enter_us, 503U);
  EXPECT_EQ(times->units[1].name, "early.service");
}

TEST(BootTimes, LeaveOutUnitsThatSayNothing) {
  Answers answers = usual();
  add_unit(answers, "never", "", 0);
  add_unit(answers, "alias", "other.device", 300);
  answers.units.push_back({.name = "gone", .path = std::string(manager) + "/unit/gone", .following = ""});
  add_unit(answers, "started", "", 300);
  const Manager systemd(answers);
  const auto times = read_boot_times(systemd.socket());
  ASSERT_TRUE(times) << times.error().what();
  ASSERT_EQ(times->units.size(), 1U);
  EXPECT_EQ(times->units[0].name, "started.service");
}

TEST(BootTimes, FailOnAnAnswerThatIsNoTime) {
  Answers answers = usual();
  answers.properties[manager].erase("FinishTimestampMonotonic");
  const Manager systemd(answers);
  const auto times = read_boot_times(systemd.socket());
  ASSERT_FALSE(times);
  EXPECT_EQ(times.error().code(), Code::io_error);
  EXPECT_EQ(times.error().what(), "ask systemd for FinishTimestampMonotonic: No\\x0asuch property");
}

TEST(BootTimes, FailOnAUnitThatHasNone) {
  Answers answers = usual();
  add_unit(answers, "odd", "", 300);
  answers.properties[answers.units[0].path].erase("ActiveExitTimestampMonotonic");
  const Manager systemd(answers);
  const auto times = read_boot_times(systemd.socket());
  ASSERT_FALSE(times);
  EXPECT_THAT(times.error().what(),
              StartsWith("ask systemd for ActiveExitTimestampMonotonic of odd.service"));
}

TEST(BootTimes, FailOnAListOfOtherThings) {
  Answers answers = usual();
  answers.list_signature = "s";
  const Manager systemd(answers);
  const auto times = read_boot_times(systemd.socket());
  ASSERT_FALSE(times);
  EXPECT_THAT(times.error().what(), HasSubstr("understand what units systemd has"));
}

TEST(BootTimes, FailWhereNobodyAnswers) {
  const TempDirectory directory;
  ASSERT_EQ(::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + directory.path("bus")).c_str(), 1), 0);
  const auto times = read_boot_times(directory.path("private"));
  ASSERT_FALSE(times);
  EXPECT_EQ(times.error().code(), Code::io_error);
  EXPECT_EQ(times.error().what(), "connect to the system bus: No such file or directory");
}

}  // namespace
}  // namespace cfs
