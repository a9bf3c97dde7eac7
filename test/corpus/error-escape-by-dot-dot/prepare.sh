mkdir ../outside; echo secret > ../outside/f
