// Preloaded into a process, makes its wall clock as wrong as the file of XVIEW_CLOCK_STEP says: a whole number of
// nanoseconds, read through shared memory at each look at the clock. Clocks that only run on are left as they are.
// So a machine whose clock is stepped can be had without touching the machine's clock. Who waits until a time of day
// waits until that is shown.

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

const std::int64_t second = 1'000'000'000;
const std::int64_t since_1970 = 1'000'000'000;  // s; a deadline below it is of a clock that began with the machine
const volatile std::int64_t* step_ns = nullptr;

timespec moved(const timespec& time, std::int64_t by_ns) {
  const std::int64_t sum = time.tv_sec * second + time.tv_nsec + by_ns;
  return {static_cast<time_t>(sum / second), static_cast<long>(sum % second)};
}

timespec true_deadline(const timespec& shown) {
  return step_ns && shown.tv_sec > since_1970 ? moved(shown, -*step_ns) : shown;
}

__attribute__((constructor)) void open_step() {
  const char* path = std::getenv("XVIEW_CLOCK_STEP");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* shared = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (shared != MAP_FAILED) step_ns = static_cast<const volatile std::int64_t*>(shared);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long failed = syscall(SYS_clock_gettime, clock, now);
  if (!failed && clock == CLOCK_REALTIME && step_ns) *now = moved(*now, *step_ns);
  return static_cast<int>(failed);
}

extern "C" int gettimeofday(timeval* now, void*) noexcept {
  timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

extern "C" int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  static const auto wait = reinterpret_cast<decltype(&pthread_cond_timedwait)>(dlsym(RTLD_NEXT, __func__));
  const timespec deadline = true_deadline(*until);
  return wait(condition, mutex, &deadline);
}

extern "C" int sem_timedwait(sem_t* semaphore, const timespec* until) {
  static const auto wait = reinterpret_cast<decltype(&sem_timedwait)>(dlsym(RTLD_NEXT, __func__));
  const timespec deadline = true_deadline(*until);
  return wait(semaphore, &deadline);
}
