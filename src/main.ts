/** Entry point of the bundle. */
process.stdout.write('ctr\n');
