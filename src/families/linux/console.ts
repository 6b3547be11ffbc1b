/** Kernel arguments for the screen and the serial line. The last console is /dev/console: what the installer says goes there. */
export const consoles = 'console=tty0 console=ttyS0,115200n8';
