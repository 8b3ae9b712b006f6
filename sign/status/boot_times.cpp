// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/boot_times.hpp"

#include <systemd/sd-bus.h>

#include <array>
#include <memory>
#include <utility>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr auto service = "org.freedesktop.systemd1";
constexpr auto manager_path = "/org/freedesktop/systemd1";
constexpr auto manager_interface = "org.freedesktop.systemd1.Manager";
constexpr auto unit_interface = "org.freedesktop.systemd1.Unit";

// Of one answer. A manager that is busy with a boot may take its time.
constexpr std::uint64_t timeout_us = 30'000'000;

struct Close {
  void operator()(sd_bus* bus) const { ::sd_bus_close_unref(bus); }
  void operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, Close>;
using Message = std::unique_ptr<sd_bus_message, Close>;

// What the other side says of an error.
class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { ::sd_bus_error_free(&error_); }

  [[nodiscard]] sd_bus_error* get() { return &error_; }
  [[nodiscard]] bool is(const char* name) const { return ::sd_bus_error_has_name(&error_, name) != 0; }
  [[nodiscard]] tl::unexpected<Error> failure(std::string_view doing, int result) const {
    return error_.message == nullptr ? fail_errno(Code::io_error, doing, -result)
                                     : fail(Code::io_error, cat(doing, ": ", printable(error_.message)));
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

int open_private(const std::string& socket, Bus& bus) {
  sd_bus* made = nullptr;
  if (const int result = ::sd_bus_new(&made); result < 0) {
    return result;
  }
  bus.reset(made);
  if (const int result = ::sd_bus_set_address(made, cat("unix:path=", socket).c_str()); result < 0) {
    return result;
  }
  return ::sd_bus_start(made);
}

Result<Bus> connect(const std::string& private_socket) {
  Bus bus;
  if (open_private(private_socket, bus) < 0) {
    sd_bus* made = nullptr;
    if (const int result = ::sd_bus_open_system(&made); result < 0) {
      return fail_errno(Code::io_error, "connect to the system bus", -result);
    }
    bus.reset(made);
  }
  if (const int result = ::sd_bus_set_method_call_timeout(bus.get(), timeout_us); result < 0) {
    return fail_errno(Code::io_error, "connect to the system bus", -result);
  }
  return bus;
}

Result<std::string> read_version(sd_bus* bus) {
  BusError error;
  char* text = nullptr;
  const int result = ::sd_bus_get_property_string(bus, service, manager_path, manager_interface, "Version",
                                                  error.get(), &text);
  if (result < 0) {
    return error.failure("ask systemd for Version", result);
  }
  const std::unique_ptr<char, void (*)(void*)> owned(text, std::free);
  return std::string(text);
}

Result<> read_manager_times(sd_bus* bus, BootTimes& times) {
  const std::array properties{
      std::pair("FirmwareTimestampMonotonic", &times.firmware_us),
      std::pair("LoaderTimestampMonotonic", &times.loader_us),
      std::pair("InitRDTimestampMonotonic", &times.initrd_us),
      std::pair("UserspaceTimestampMonotonic", &times.userspace_us),
      std::pair("GeneratorsStartTimestampMonotonic", &times.generators_start_us),
      std::pair("GeneratorsFinishTimestampMonotonic", &times.generators_finish_us),
      std::pair("UnitsLoadStartTimestampMonotonic", &times.units_load_start_us),
      std::pair("UnitsLoadFinishTimestampMonotonic", &times.units_load_finish_us),
      std::pair("FinishTimestampMonotonic", &times.finish_us),
  };
  for (const auto& [property, time] : properties) {
    BusError error;
    const int result = ::sd_bus_get_property_trivial(bus, service, manager_path, manager_interface, property,
                                                     error.get(), 't', time);
    if (result < 0) {
      return error.failure(cat("ask systemd for ", property), result);
    }
  }
  return {};
}

// All 0 where the unit was never started, and where it is gone by now.
Result<> read_unit_times(sd_bus* bus, const std::string& path, BootTimes::Unit& unit) {
  const std::array properties{
      std::pair("InactiveExitTimestampMonotonic", &unit.inactive_exit_us),
      std::pair("ActiveEnterTimestampMonotonic", &unit.active_enter_us),
      std::pair("ActiveExitTimestampMonotonic", &unit.active_exit_us),
      std::pair("InactiveEnterTimestampMonotonic", &unit.inactive_enter_us),
  };
  for (const auto& [property, time] : properties) {
    BusError error;
    const int result = ::sd_bus_get_property_trivial(bus, service, path.c_str(), unit_interface, property,
                                                     error.get(), 't', time);
    if (error.is(SD_BUS_ERROR_UNKNOWN_OBJECT)) {
      unit.inactive_exit_us = 0;
    } else if (result < 0) {
      return error.failure(cat("ask systemd for ", property, " of ", printable(unit.name)), result);
    }
    if (unit.inactive_exit_us == 0) {
      break;
    }
  }
  return {};
}

struct ListedUnit {
  std::string name;
  std::string path;
};

// Not those that follow another: a device under one more name.
Result<std::vector<ListedUnit>> list_units(sd_bus* bus) {
  BusError error;
  sd_bus_message* answer = nullptr;
  int result = ::sd_bus_call_method(bus, service, manager_path, manager_interface, "ListUnits", error.get(),
                                    &answer, nullptr);
  if (result < 0) {
    return error.failure("ask systemd for its units", result);
  }
  const Message message(answer);
  std::vector<ListedUnit> units;
  result = ::sd_bus_message_enter_container(answer, 'a', "(ssssssouso)");
  while (result >= 0) {
    const char* name = nullptr;
    const char* following = nullptr;
    const char* path = nullptr;
    result = ::sd_bus_message_read(answer, "(ssssssouso)", &name, nullptr, nullptr, nullptr, nullptr,
                                   &following, &path, nullptr, nullptr, nullptr);
    if (result == 0) {
      return units;
    }
    if (result > 0 && *following == '\0') {
      units.push_back({.name = name, .path = path});
    }
  }
  return fail_errno(Code::io_error, "understand what units systemd has", -result);
}

}  // namespace

Result<BootTimes> read_boot_times(const std::string& private_socket) {
  const Bus bus = CFS_TRY(connect(private_socket));
  BootTimes times;
  times.systemd_version = CFS_TRY(read_version(bus.get()));
  CFS_TRY(read_manager_times(bus.get(), times));
  std::vector<ListedUnit> units = CFS_TRY(list_units(bus.get()));
  for (ListedUnit& listed : units) {
    BootTimes::Unit unit{.name = std::move(listed.name)};
    CFS_TRY(read_unit_times(bus.get(), listed.path, unit));
    if (unit.inactive_exit_us != 0) {
      times.units.push_back(std::move(unit));
    }
  }
  return times;
}

}  // namespace cfs
